import {
  Global,
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { AuditOutbox, startRelay, type NatsOptions, type Relay } from '@countersign/audit-client';
import { type Registry } from 'prom-client';
import type pg from 'pg';
import { type Logger } from 'pino';
import { Background } from '../background.service.js';
import { type HealthRegistry } from '../health/health.js';
import { watchOutbox } from './outbox-signals.js';
import { markRecorded } from '../trace/request-trace.js';
import { AUDIT_OUTBOX, CLOCK, HEALTH, LOGGER, METRICS, POOL } from '../tokens.js';

/** The service that records, and how its events reach the trail. */
export interface AuditTrailOptions {
  /** The service's name, the `source` of its events. */
  readonly source: string;
  /** Hours for which an event is kept with its place in the log; 0 by default. `OUTBOX_KEEP_HOURS` is for it. */
  readonly keepHours?: number;
  readonly nats: NatsOptions;
}

const OPTIONS = Symbol.for('countersign.audit-trail-options');

/** Provides {@link AUDIT_OUTBOX} and runs the relay in the service. An unavailable NATS is a note in readiness, never a failure. */
@Global()
@Module({})
export class AuditTrailModule implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  #relay: Relay | undefined;

  constructor(
    @Inject(OPTIONS) private readonly options: AuditTrailOptions,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) private readonly health: HealthRegistry,
    @Inject(METRICS) private readonly metrics: Registry,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  static forRoot(options: AuditTrailOptions): DynamicModule {
    return {
      module: AuditTrailModule,
      providers: [
        { provide: OPTIONS, useValue: options },
        {
          provide: AUDIT_OUTBOX,
          inject: [POOL],
          useFactory: (pool: pg.Pool) => new AuditOutbox({ pool, source: options.source }),
        },
      ],
      exports: [AUDIT_OUTBOX],
    };
  }

  onModuleInit(): void {
    this.outbox.onEvent(({ data: { request } }) => {
      if (request !== undefined) markRecorded(request);
    });
  }

  onApplicationBootstrap(): void {
    const relay = startRelay({
      pool: this.pool,
      outbox: this.outbox,
      source: this.options.source,
      nats: this.options.nats,
      keepHours: this.options.keepHours ?? 0,
      logger: this.logger,
    });
    this.#relay = relay;
    watchOutbox({
      relay,
      outbox: this.outbox,
      background: this.background,
      health: this.health,
      metrics: this.metrics,
      clock: this.clock,
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#relay?.stop();
  }
}
