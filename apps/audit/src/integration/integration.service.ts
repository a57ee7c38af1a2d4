import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CHECKPOINT_SUBJECT, connectToNats, type AuditOutbox, type NatsOptions } from '@countersign/audit-client';
import { NoteError, openCheckpoint } from '@countersign/merkle-log';
import {
  AUDIT_OUTBOX,
  Background,
  by,
  ConfigurationError,
  HEALTH,
  LOGGER,
  METRICS,
  type Caller,
  type HealthRegistry,
} from '@countersign/service-host';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { events } from '../events.js';
import { logStarting } from '../log/log-answers.js';
import { LogWentBack } from '../log/log-reach.js';
import { LOG_SIGNERS, type LogSigners } from '../log/log-signer.js';
import { LogStore, type SignedCheckpoint } from '../log/log.store.js';
import { OutsideEvidence } from '../recovery/outside-evidence.service.js';

export const INTEGRATION_OPTIONS = Symbol('countersign.audit.integration-options');
export interface IntegrationOptions {
  readonly nats: NatsOptions;
  /** Milliseconds between two integrations. */
  readonly intervalMs: number;
}

/** Milliseconds between two checks for stored events. */
const CHECK_EVERY_MS = 2_000;

/** Milliseconds after which the newest checkpoint is published again, for witnesses that were unavailable. */
const REPEAT_EVERY_MS = 10_000;

/** Turns events with a log index into leaves: on a timer and on demand it writes hashes, tiles and a signed checkpoint, which is published for witnesses. */
@Injectable()
export class IntegrationService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #connecting: Promise<void> = Promise.resolve();
  #connection: NatsConnection | undefined;
  #latest: SignedCheckpoint | undefined;
  /** As of the last check: the stored events with a log index. */
  #nextIndex = 0;
  #publishedAt = -Infinity;

  constructor(
    @Inject(INTEGRATION_OPTIONS) private readonly options: IntegrationOptions,
    @Inject(LogStore) private readonly store: LogStore,
    @Inject(LOG_SIGNERS) private readonly signers: LogSigners,
    @Inject(OutsideEvidence) private readonly outside: OutsideEvidence,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
    @Inject(Background) private readonly background: Background,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {
    background.repeat({
      name: 'audit_log_head',
      everyMs: CHECK_EVERY_MS,
      run: async () => {
        this.#nextIndex = (await store.head()).nextIndex;
        return undefined;
      },
    });
    health.addNote('log', () => ({ tree_size: this.#latest?.treeSize ?? null }));
    const treeSize = (): number => this.#latest?.treeSize ?? 0;
    const nextIndex = (): number => Math.max(this.#nextIndex, treeSize());
    new Gauge({
      name: 'audit_log_tree_size',
      help: 'Leaves covered by the newest checkpoint that this replica knows.',
      registers: [metrics],
      collect(): void {
        this.set(treeSize());
      },
    });
    new Gauge({
      name: 'audit_log_waiting',
      help: 'Events that are stored and have a log index, but are not yet covered by a checkpoint.',
      registers: [metrics],
      collect(): void {
        this.set(nextIndex() - treeSize());
      },
    });
  }

  /** @throws when the log's checkpoints were signed with another key or origin than configured */
  async onApplicationBootstrap(): Promise<void> {
    this.#latest = await this.store.checkpoint();
    if (this.#latest !== undefined) this.#recognize(this.#latest);
    this.#connecting = this.#connect();
    // Only now: nothing is signed before it is certain that the keys belong to the log.
    this.background.repeat({
      name: 'log_integration',
      everyMs: this.options.intervalMs,
      run: async () => {
        await this.integrateNow();
        if (this.outside.mayGrow && performance.now() - this.#publishedAt > REPEAT_EVERY_MS) this.#publish();
        return undefined;
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#connecting;
    await this.#connection?.close();
  }

  /** @throws when the log's newest checkpoint has another origin or key than configured */
  #recognize({ note }: SignedCheckpoint): void {
    try {
      openCheckpoint(note, this.signers);
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      throw new ConfigurationError([
        `LOG_KEY, LOG_ORIGIN: do not match the log's newest checkpoint (${error.message}); put the key that signed it in LOG_KEY_PREVIOUS`,
      ]);
    }
  }

  /** Integrates everything that is waiting. @returns the newest checkpoint */
  async integrateNow(): Promise<SignedCheckpoint | undefined> {
    // A restored log must not sign anything that contradicts its earlier signatures.
    while (this.outside.mayGrow) {
      const checkpoint = await this.store.integrate().catch(async (error: unknown) => {
        if (!(error instanceof LogWentBack)) throw error;
        await this.outside.wentBack(error);
        return undefined;
      });
      if (checkpoint === undefined) break;
      this.#take(checkpoint);
    }
    // Another replica may have done it already.
    const latest = await this.store.checkpoint();
    if (latest !== undefined && latest.treeSize > (this.#latest?.treeSize ?? -1)) this.#latest = latest;
    return this.#latest;
  }

  /** Like {@link integrateNow}, for a caller. @throws {Problem} 503 `LOG_STARTING` */
  async integrateFor(caller: Caller): Promise<SignedCheckpoint> {
    const checkpoint = await this.integrateNow();
    if (checkpoint === undefined) throw logStarting();
    const ordered = { id: String(checkpoint.treeSize) };
    await this.outbox.recordDurably(events.event('checkpoint.ordered', by(caller), ordered));
    return checkpoint;
  }

  async #connect(): Promise<void> {
    this.#connection = await connectToNats('audit-log', this.options.nats, this.logger, this.#stopped.signal);
  }

  #take(checkpoint: SignedCheckpoint): void {
    this.#latest = checkpoint;
    this.#publish();
  }

  #publish(): void {
    if (this.#latest === undefined || this.#connection === undefined || this.#connection.isClosed()) return;
    this.#connection.publish(CHECKPOINT_SUBJECT, this.#latest.note);
    this.#publishedAt = performance.now();
  }
}
