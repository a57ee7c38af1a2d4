import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  Background,
  by,
  HEALTH,
  LOGGER,
  METRICS,
  type Caller,
  type HealthRegistry,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { events } from '../events.js';
import { CompletenessStore, type SourceProgress } from './completeness.store.js';

const CHECK_EVERY_MS = 5_000;

/** Seconds that a number may be missing before it is an alert: redelivery fills a gap within half a minute. */
const GAP_ALERT_SECONDS = 60;

/** How complete one source's events are. */
export interface SourceState {
  readonly source: string;
  /** Every number up to this one is in the trail. */
  readonly through: string;
  /** Missing numbers below the highest, lowest first; the first hundred ranges. */
  readonly missing: readonly { readonly first: string; readonly last: string }[];
  readonly gap_since: string | null;
  /** Whether numbers have been missing for longer than a minute. */
  readonly alert: boolean;
}

/** Tracks missing numbers, and reports them in readiness and metrics once they have been missing for too long. */
@Injectable()
export class CompletenessService {
  #states: readonly SourceState[] = [];
  #alerts: readonly SourceState[] = [];

  constructor(
    @Inject(CompletenessStore) private readonly store: CompletenessStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
    @Inject(Background) background: Background,
  ) {
    background.repeat({ name: 'completeness_look', everyMs: CHECK_EVERY_MS, run: () => this.#check() });
    health.addNote('completeness', () => ({ alert: this.#alerts.length > 0, gaps: this.#alerts }));
    const last = (): readonly SourceState[] => this.#states;
    new Gauge({
      name: 'audit_source_gap',
      help: '1 if sequence numbers of a source have been missing from the trail for more than a minute, else 0.',
      labelNames: ['source'],
      registers: [metrics],
      collect(): void {
        this.reset();
        for (const { source, alert } of last()) this.set({ source }, alert ? 1 : 0);
      },
    });
  }

  /** Every known source, by name; the read is recorded before it is answered. */
  async list(caller: Caller): Promise<readonly SourceState[]> {
    const states = await this.read();
    const listed = { id: EVERY, changes: { shown: states.length } };
    await this.outbox.recordDurably(events.event('sources.listed', by(caller), listed));
    return states;
  }

  /** Every known source, by name. */
  async read(): Promise<readonly SourceState[]> {
    return (await this.store.read()).map(stateOf);
  }

  async #check(): Promise<undefined> {
    this.#states = await this.read();
    const alerts = this.#states.filter(({ alert }) => alert);
    for (const { source, missing } of alerts) {
      if (!this.#alerts.some((known) => known.source === source)) {
        this.logger.error({ source, missing }, 'events of a source are missing from the trail');
      }
    }
    this.#alerts = alerts;
  }
}

function stateOf({ source, through, known, gapSince, gapSeconds }: SourceProgress): SourceState {
  return {
    source,
    through,
    missing: known
      .missing()
      .slice(0, 100)
      .map(({ first, last }) => ({ first: first.toString(), last: last.toString() })),
    gap_since: gapSince?.toISOString() ?? null,
    alert: gapSeconds > GAP_ALERT_SECONDS,
  };
}
