import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { connectToNats, KNOWN_INDEX_HEADER, type NatsOptions, type Placement } from '@countersign/audit-client';
import { type AuditEvent } from '@countersign/audit-event';
import { openCheckpoint, type Checkpoint } from '@countersign/merkle-log';
import { Background, databaseReasonOf, HEALTH, LOGGER, Problem, type HealthRegistry } from '@countersign/service-host';
import { type JsMsg } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { LogReach, type LogWentBack } from '../log/log-reach.js';
import { LOG_SIGNERS, type LogSigners } from '../log/log-signer.js';
import { LogComparison } from './log-comparison.js';
import { KNOWN_INDEX_KEYS, readKnownPlace, type KnownIndexKeys } from './known-index.js';
import { publisherOf } from './recalled-message.js';
import { ensureLogRecord, hasLogRecord, keepOwnEvents, newestCheckpoint, newestOwnEnd } from './log-record.js';
import { RecoveryStore } from './recovery.store.js';

export const RECOVERY_OPTIONS = Symbol('countersign.audit.recovery-options');
export interface RecoveryOptions {
  readonly nats: NatsOptions;
  readonly replicas: number;
  /** Hours for which audit keeps its own events and checkpoints outside its database. */
  readonly keepHours: number;
}

/** Milliseconds between two checks while the log has not been compared yet, or is restored; otherwise a check needs no query. */
const CHECK_EVERY_MS = 500;
/** Milliseconds between two checks whether NATS still has audit's log stream. */
const RECORD_EVERY_MS = 5_000;

/**
 * Notices that the database was restored from a backup: a checkpoint that audit signed, a log index that it sent to a service, or what this process
 * itself has seen ({@link LogReach}) is ahead of the log.
 * Then the log is frozen until the lost events are recovered.
 */
@Injectable()
export class OutsideEvidence implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #connecting: Promise<void> = Promise.resolve();
  #connection: NatsConnection | undefined;
  #checked = false;
  #recordedAt = -Infinity;
  /** Why audit's own events could not be recorded the last time. */
  #recordError: string | null = null;
  #checkpoint: Checkpoint | undefined;
  readonly #comparison: LogComparison;
  readonly #publishers = new Set<string>();
  readonly #doubted = new Set<string>();

  constructor(
    @Inject(RECOVERY_OPTIONS) private readonly options: RecoveryOptions,
    @Inject(RecoveryStore) store: RecoveryStore,
    @Inject(LOG_SIGNERS) private readonly signers: LogSigners,
    @Inject(KNOWN_INDEX_KEYS) private readonly keys: KnownIndexKeys,
    @Inject(LogReach) private readonly reach: LogReach,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(Background) background: Background,
  ) {
    this.#comparison = new LogComparison(reach, () => store.nextIndex());
    background.repeat({ name: 'log_recovery', everyMs: CHECK_EVERY_MS, run: () => this.#checkAll() });
    health.addNote('log_record', () => ({ last_error: this.#recordError }));
    health.add('log_not_restored', () => {
      if (this.restored) throw new Error(this.#reason());
    });
  }

  onApplicationBootstrap(): void {
    this.#connecting = this.#connect();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#connecting;
    await this.#connection?.close();
  }

  /** Whether the log was compared with outside knowledge. */
  get checked(): boolean {
    return this.#checked;
  }

  /** Whether the log may grow and be signed: it was compared with outside knowledge, and is complete. */
  get mayGrow(): boolean {
    return this.#checked && !this.restored;
  }

  /** The sources that have sent something since this process started. Their number is bounded, because NATS lets each publish only under its own name. */
  get publishers(): ReadonlySet<string> {
    return this.#publishers;
  }

  /** Compares the log with what a source received, according to the proof in its message. */
  async compare(message: JsMsg): Promise<void> {
    const publisher = publisherOf(message.subject);
    this.#publishers.add(publisher);
    await this.heard(publisher, message.headers?.get(KNOWN_INDEX_HEADER) ?? '');
  }

  /** Compares the log with what a source can prove to have received. Mere claims have no effect. @param known as sent by the source; may be empty */
  async heard(source: string, known: string): Promise<void> {
    const place = readKnownPlace(this.keys, source, known);
    if (place !== undefined) await this.seen(place.index + 1n);
    else if (known !== '' && !this.#doubted.has(source)) {
      this.#doubted.add(source);
      this.logger.warn({ source }, 'a source claims a log index that audit never sent it; such claims are ignored');
    }
  }

  /** Whether outside knowledge is ahead of the log. */
  get restored(): boolean {
    return this.#comparison.restored;
  }

  /** The index after the last one that anybody knows of. */
  get end(): bigint {
    return this.#comparison.end;
  }

  /** The newest checkpoint that audit had signed when it started, or when its database was replaced, if it is recorded. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** The connection over which a restored log recovers. @throws {Problem} 409 `LOG_NOT_RESTORED` */
  mustBeRestored(): NatsConnection {
    if (this.#connection !== undefined && this.restored) return this.#connection;
    throw new Problem(
      409,
      'LOG_NOT_RESTORED',
      'No external evidence is ahead of this log; there is nothing to recover.',
    );
  }

  /** Records audit's own events outside its database; await it before they are receipted. @throws NATS's error, which is logged and noted */
  async keepOwn(stored: readonly AuditEvent[], placements: readonly Placement[]): Promise<void> {
    const own = placements.find(({ source }) => source === 'audit');
    if (own === undefined || this.#connection === undefined || this.options.keepHours === 0) return;
    const bySequence = new Map(
      stored.filter(({ source }) => source === 'audit').map((event) => [event.sequence, event] as const),
    );
    try {
      await keepOwnEvents(this.#connection, bySequence, own);
      this.#recordError = null;
    } catch (error) {
      const { reason } = databaseReasonOf(error);
      if (reason !== this.#recordError)
        this.logger.warn({ reason }, "audit's own events could not be stored; retrying later");
      this.#recordError = reason;
      throw error;
    }
  }

  /** Compares the log with outside knowledge. @param end the index after the last one */
  async seen(end: bigint): Promise<void> {
    if (end > this.reach.end || this.restored) await this.#compareWith(end);
  }

  /** Like {@link seen}, for frequent messages, most of which contain nothing new: only a higher index costs a query. */
  async reached(end: bigint): Promise<void> {
    if (end > this.end) await this.seen(end);
  }

  /** Freezes a log whose database was replaced by an older one while this process was running, and reads the signed checkpoint again. */
  async wentBack({ end }: LogWentBack): Promise<void> {
    this.#checked = false;
    await this.#compareWith(end);
  }

  async #compareWith(end: bigint): Promise<void> {
    const next = await this.#comparison.with(end);
    if (next === undefined) return;
    this.logger.error({ next_index: next.toString(), end_index: this.end.toString() }, this.#reason());
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stopped;
    this.#connection = await connectToNats('audit-log-record', this.options.nats, this.logger, signal);
  }

  async #checkAll(): Promise<undefined> {
    if (!this.#checked && this.#connection !== undefined) await this.#check(this.#connection);
    // Another replica may have recovered the log.
    if (this.restored) await this.seen(this.end);
    if (this.#checked && this.#connection !== undefined && performance.now() - this.#recordedAt > RECORD_EVERY_MS)
      await this.#remember(this.#connection);
  }

  /** Creates audit's log stream again, because NATS may have lost its store. */
  async #remember(connection: NatsConnection): Promise<void> {
    if (!(await hasLogRecord(connection))) {
      await this.#ensure(connection);
      this.logger.warn(
        "NATS had lost the stream AUDIT_LOG, which is recreated; back up the database now, because audit's own earlier events are nowhere else",
      );
    }
    this.#recordedAt = performance.now();
  }

  #ensure(connection: NatsConnection): Promise<void> {
    return ensureLogRecord(connection, this.options.replicas, Math.max(1, this.options.keepHours));
  }

  async #check(connection: NatsConnection): Promise<void> {
    await this.#ensure(connection);
    const note = await newestCheckpoint(connection);
    if (note !== undefined) {
      this.#checkpoint = openCheckpoint(note, this.signers);
      await this.seen(BigInt(this.#checkpoint.size));
    }
    const own = await newestOwnEnd(connection);
    if (own !== undefined) await this.reached(own);
    this.#checked = true;
  }

  #reason(): string {
    return `the database was restored: entries up to log index ${String(this.end - 1n)} were in the log; run countersign audit recover`;
  }
}
