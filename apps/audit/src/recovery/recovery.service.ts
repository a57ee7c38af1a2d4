import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import {
  connectToNats,
  FIRST_INDEX_HEADER,
  KNOWN_INDEX_HEADER,
  receiptSubject,
  SALTS_HEADER,
  type AuditOutbox,
  type NatsOptions,
  type Placement,
} from '@countersign/audit-client';
import { type AuditEvent } from '@countersign/audit-event';
import { openCheckpoint, type Checkpoint } from '@countersign/merkle-log';
import {
  AUDIT_OUTBOX,
  Background,
  by,
  HEALTH,
  LOGGER,
  Problem,
  type Caller,
  type HealthRegistry,
} from '@countersign/service-host';
import { type JsMsg } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { LOG_SIGNERS, type LogSigners } from '../log/log-signer.js';
import { ensureLogRecord, keepOwnEvents, newestCheckpoint, readOwnEvents } from './log-record.js';
import { recoveredEvents } from './recalled-message.js';
import { type IndexSpan } from './recovered-log.js';
import { RecoveryStore } from './recovery.store.js';

export const RECOVERY_OPTIONS = Symbol('countersign.audit.recovery-options');
export interface RecoveryOptions {
  readonly nats: NatsOptions;
  readonly replicas: number;
  /** Hours for which audit remembers its own events and checkpoints outside its database. */
  readonly keepHours: number;
}

/** What the log knows of having been restored. Indices and sizes are decimal strings. */
export interface RecoveryReport {
  /** `restored`: something outside is ahead of this database; nothing is signed and nothing taken in until it is recovered. */
  readonly state: 'checking' | 'current' | 'restored';
  readonly next_index: string;
  /** The index behind the last one that the log is known to have had. */
  readonly end_index: string;
  /** Events that came back so far. */
  readonly found: number;
  readonly missing: readonly { readonly first: string; readonly last: string }[];
  readonly lost?: readonly { readonly first: string; readonly last: string }[];
}

/** Milliseconds between two checks while the log is not yet compared, or is restored; otherwise a check needs no query. */
const LOOK_EVERY_MS = 500;
const LOG = 'audit';
/** Ranges that a report names. */
const NAMED = 100;

const spansJson = (spans: readonly IndexSpan[]) =>
  spans.slice(0, NAMED).map(({ first, last }) => ({ first: first.toString(), last: last.toString() }));

/**
 * Notices that the database was restored from a backup: a checkpoint that audit signed, or a place that it sent to a service, is ahead of the log.
 * Then it holds the log still until what was lost is taken back.
 */
@Injectable()
export class RecoveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #connecting: Promise<void> = Promise.resolve();
  #connection: NatsConnection | undefined;
  #checked = false;
  /** The index behind the last one that anybody knows of. */
  #end = 0n;
  /** As far as the log was last seen to be. */
  #next = 0n;
  #restored = false;
  #checkpoint: Checkpoint | undefined;

  constructor(
    @Inject(RECOVERY_OPTIONS) private readonly options: RecoveryOptions,
    @Inject(RecoveryStore) private readonly store: RecoveryStore,
    @Inject(LOG_SIGNERS) private readonly signers: LogSigners,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(Background) background: Background,
  ) {
    background.repeat({ name: 'log_recovery', everyMs: LOOK_EVERY_MS, run: () => this.#look() });
    health.add('log_not_restored', () => {
      if (this.#restored) throw new Error(this.#reason());
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

  /** Whether the log was compared with what is known outside. */
  get checked(): boolean {
    return this.#checked;
  }

  /** Whether the log may grow and be signed: it was compared with what is known outside, and has all of it. */
  get mayGrow(): boolean {
    return this.#checked && !this.#restored;
  }

  /**
   * Whether the log has what a source received, as its message claims.
   * @returns whether the log has it
   */
  async compare(message: JsMsg): Promise<boolean> {
    const known = message.headers?.get(KNOWN_INDEX_HEADER) ?? '';
    if (/^[0-9]{1,18}$/.test(known)) await this.#isKnown(BigInt(known) + 1n);
    return this.mayGrow;
  }

  /** Takes what a source sends back. */
  async take(message: JsMsg): Promise<void> {
    const publisher = message.subject.split('.')[1] ?? '';
    const { headers } = message;
    const recalled = recoveredEvents(
      jsonOf(message),
      headers?.get(FIRST_INDEX_HEADER),
      headers?.get(SALTS_HEADER),
      publisher,
    );
    if (recalled !== undefined && this.#restored) await this.store.stage(recalled);
    else if (recalled === undefined)
      this.logger.warn({ nats_subject: message.subject }, 'a recovered message cannot be read');
  }

  /** Remembers audit's own events outside its database; to be awaited before they are receipted. */
  async keepOwn(stored: readonly AuditEvent[], placements: readonly Placement[]): Promise<void> {
    const own = placements.find(({ source }) => source === 'audit');
    if (own === undefined || this.#connection === undefined || this.options.keepHours === 0) return;
    const bySequence = new Map(
      stored.filter(({ source }) => source === 'audit').map((event) => [event.sequence, event] as const),
    );
    await keepOwnEvents(this.#connection, bySequence, own);
  }

  /** The report, for a caller. */
  async read(caller: Caller): Promise<RecoveryReport> {
    const report = await this.report();
    const action = caller.principal.scopes.has('audit:admin') ? 'audit:admin' : 'audit:read';
    const read = { id: LOG, action, changes: { state: report.state } };
    await this.outbox.recordDurably(events.event('log.recovery_read', by(caller), read));
    return report;
  }

  async report(): Promise<RecoveryReport> {
    const { next, found, missing } = await this.store.state(this.#end).catch(conflict);
    return {
      state: this.#restored ? 'restored' : this.#checked ? 'current' : 'checking',
      next_index: next.toString(),
      end_index: (this.#end > next ? this.#end : next).toString(),
      found,
      missing: this.#restored ? spansJson(missing) : [],
    };
  }

  /** Asks everybody for what is missing; it comes on the stream. */
  async recall(caller: Caller): Promise<RecoveryReport> {
    return this.#recordRefusal('log.recalled', caller, {}, async () => {
      const report = await this.#recall();
      await this.outbox.recordDurably(events.event('log.recalled', by(caller), { id: LOG }));
      return report;
    });
  }

  async #recall(): Promise<RecoveryReport> {
    const connection = this.#mustBeRestored();
    const next = await this.store.nextIndex();
    for await (const { firstIndex, events: kept, salts } of readOwnEvents(connection)) {
      const own = recoveredEvents(kept, firstIndex.toString(), salts, 'audit') ?? [];
      await this.store.stage(own.filter(({ index }) => index >= next));
    }
    for (const source of await this.store.sources()) {
      connection.publish(receiptSubject(source), JSON.stringify({ source, recall: next.toString() }));
    }
    await connection.flush();
    return this.report();
  }

  /**
   * Puts back what came.
   * @param acceptLoss continue although something is missing, or although the log then is not the one that was signed; it is said in the log
   * @throws {Problem} 409 `RECOVERY_INCOMPLETE`, `RECOVERY_MISMATCH`, `RECOVERY_CONFLICT`, `LOG_NOT_RESTORED`
   */
  async recover(acceptLoss: boolean, caller: Caller): Promise<RecoveryReport> {
    const asked = { accept_loss: acceptLoss };
    return this.#recordRefusal('log.recovery_refused', caller, asked, () => this.#recover(acceptLoss, caller));
  }

  async #recover(acceptLoss: boolean, caller: Caller): Promise<RecoveryReport> {
    this.#mustBeRestored();
    const order = { end: this.#end, checkpoint: this.#checkpoint, acceptLoss, context: by(caller) };
    const result = await this.store.recover(order).catch(conflict);
    if (result.kind === 'missing') {
      throw new Problem(409, 'RECOVERY_INCOMPLETE', 'Events are still missing; wait for them, or accept their loss.', {
        missing: spansJson(result.missing),
      });
    }
    if (result.kind === 'mismatch') {
      const detail = 'The recovered events do not add up to the newest signed checkpoint.';
      throw new Problem(409, 'RECOVERY_MISMATCH', detail);
    }
    await this.#isKnown(this.#end);
    this.logger.warn({ recovered: result.recovered, lost: spansJson(result.lost) }, 'the log was recovered');
    return { ...(await this.report()), found: result.recovered, lost: spansJson(result.lost) };
  }

  async #recordRefusal<Result>(
    name: 'log.recalled' | 'log.recovery_refused',
    caller: Caller,
    changes: Readonly<Record<string, unknown>>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    return work().catch(async (error: unknown) => {
      if (error instanceof Problem) {
        const refused = { id: LOG, outcome: 'failed', reason: error.code, changes } as const;
        await this.outbox.recordDurably(events.event(name, by(caller), refused));
      }
      throw error;
    });
  }

  #mustBeRestored(): NatsConnection {
    if (this.#connection !== undefined && this.#restored) return this.#connection;
    throw new Problem(
      409,
      'LOG_NOT_RESTORED',
      'No external evidence is ahead of this log; there is nothing to recover.',
    );
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stopped;
    this.#connection = await connectToNats('audit-log-record', this.options.nats, this.logger, signal);
  }

  async #look(): Promise<undefined> {
    if (!this.#checked && this.#connection !== undefined) await this.#check(this.#connection);
    // Another replica may have recovered the log.
    if (this.#restored) await this.#isKnown(this.#end);
  }

  async #check(connection: NatsConnection): Promise<void> {
    await ensureLogRecord(connection, this.options.replicas, Math.max(1, this.options.keepHours));
    const note = await newestCheckpoint(connection);
    if (note !== undefined) {
      this.#checkpoint = openCheckpoint(note, this.signers);
      await this.#isKnown(BigInt(this.#checkpoint.size));
    }
    this.#checked = true;
  }

  /** @param end the index behind the last one that somebody outside knows of */
  async #isKnown(end: bigint): Promise<void> {
    if (end <= this.#next && !this.#restored) return;
    if (end > this.#end) this.#end = end;
    const next = await this.store.nextIndex();
    this.#next = next;
    const restored = next < this.#end;
    if (restored && !this.#restored) {
      this.#restored = true;
      this.logger.error({ next_index: next.toString(), end_index: this.#end.toString() }, this.#reason());
    }
    this.#restored = restored;
  }

  #reason(): string {
    return `the database was restored: entries up to log index ${String(this.#end - 1n)} were in the log; run countersign audit recover`;
  }
}

function conflict(error: unknown): never {
  if (error instanceof RangeError) throw new Problem(409, 'RECOVERY_CONFLICT', error.message);
  throw error;
}

function jsonOf(message: JsMsg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
