import { Inject, Injectable } from '@nestjs/common';
import {
  FIRST_INDEX_HEADER,
  KNOWN_INDEX_HEADER,
  receiptSubject,
  SALTS_HEADER,
  type AuditOutbox,
} from '@countersign/audit-client';
import { AUDIT_OUTBOX, by, LOGGER, Problem, type Caller } from '@countersign/service-host';
import { type JsMsg } from '@nats-io/jetstream';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { SourceReportsService } from '../source-reports/source-reports.service.js';
import { isWithinPlace, KNOWN_INDEX_KEYS, readKnownPlace, type KnownIndexKeys } from './known-index.js';
import { readOwnEvents } from './log-record.js';
import { OutsideEvidence } from './outside-evidence.service.js';
import { publisherOf, recoveredEvents } from './recalled-message.js';
import { type IndexSpan, type RecoveredEvent } from './recovered-log.js';
import { RecoveryStore } from './recovery.store.js';

/** The state of a recovery. Indices and sizes are decimal strings. */
export interface RecoveryReport {
  /** `restored`: outside knowledge is ahead of this database; nothing is signed or accepted until it is recovered. */
  readonly state: 'checking' | 'current' | 'restored';
  readonly next_index: string;
  /** The index after the last one that the log is known to have had. */
  readonly end_index: string;
  /** Log indices with a claim so far; after a recovery, the number of restored events. */
  readonly found: number;
  readonly missing: readonly { readonly first: string; readonly last: string }[];
  readonly lost?: readonly { readonly first: string; readonly last: string }[];
}

const LOG = 'audit';
/** Maximum ranges in a report. */
const NAMED = 100;

const spansJson = (spans: readonly IndexSpan[]) =>
  spans.slice(0, NAMED).map(({ first, last }) => ({ first: first.toString(), last: last.toString() }));

/** Recovers what the log lost when its database was restored from a backup. */
@Injectable()
export class RecoveryService {
  constructor(
    @Inject(OutsideEvidence) private readonly outside: OutsideEvidence,
    @Inject(RecoveryStore) private readonly store: RecoveryStore,
    @Inject(KNOWN_INDEX_KEYS) private readonly keys: KnownIndexKeys,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(SourceReportsService) private readonly reports: SourceReportsService,
  ) {}

  /** Accepts recovered events from a source. */
  async take(message: JsMsg): Promise<void> {
    const { headers } = message;
    const publisher = publisherOf(message.subject);
    const recalled = recoveredEvents(
      jsonOf(message),
      headers?.get(FIRST_INDEX_HEADER),
      headers?.get(SALTS_HEADER),
      publisher,
    );
    const place = readKnownPlace(this.keys, publisher, headers?.get(KNOWN_INDEX_HEADER) ?? '');
    // Only this reveals how far the log reached if a source has nothing new to send: events appended after the last checkpoint would otherwise be missed.
    if (place !== undefined) await this.outside.reached(place.index + 1n);
    const isProven = ({ index, event }: RecoveredEvent): boolean =>
      place !== undefined && isWithinPlace(place, BigInt(event.sequence), index);
    // No log index after the end is proven; invented ones have no effect.
    const wanted = recalled?.filter(({ index }) => index < this.outside.end);
    const isRead = wanted !== undefined && (!this.outside.restored || (await this.store.stage(wanted, isProven)));
    if (!isRead) this.logger.warn({ nats_subject: message.subject }, 'a recovered message cannot be read');
  }

  /** The report, for a caller. */
  async read(caller: Caller): Promise<RecoveryReport> {
    const report = await this.report();
    const action = caller.principal.scopes.has('audit:admin') ? 'audit:admin' : 'audit:read';
    const read = { id: LOG, action, changes: { state: report.state } } as const;
    await this.outbox.recordDurably(events.event('log.recovery_read', by(caller), read));
    return report;
  }

  async report(): Promise<RecoveryReport> {
    const { next, found, missing } = await this.store.state(this.outside.end);
    return {
      state: this.outside.restored ? 'restored' : this.outside.checked ? 'current' : 'checking',
      next_index: next.toString(),
      end_index: (this.outside.end > next ? this.outside.end : next).toString(),
      found,
      missing: this.outside.restored ? spansJson(missing) : [],
    };
  }

  /** Asks all services for what is missing; it arrives on the stream. */
  async recall(caller: Caller): Promise<RecoveryReport> {
    return this.#recordRefusal('log.recalled', caller, {}, async () => {
      const report = await this.#recall();
      await this.outbox.recordDurably(events.event('log.recalled', by(caller), { id: LOG }));
      return report;
    });
  }

  async #recall(): Promise<RecoveryReport> {
    const connection = this.outside.mustBeRestored();
    const next = await this.store.nextIndex();
    for await (const { firstIndex, events: kept, salts } of readOwnEvents(connection)) {
      const own = recoveredEvents(kept, firstIndex.toString(), salts, 'audit') ?? [];
      await this.outside.reached(firstIndex + BigInt(own.length));
      await this.store.stage(
        own.filter(({ index }) => index >= next),
        () => true,
      );
    }
    for (const source of await this.#sources()) {
      connection.publish(receiptSubject(source), JSON.stringify({ source, recall: next.toString() }));
    }
    await connection.flush();
    return this.report();
  }

  /** All services that may have kept something: those known to the copy, and those active now, which an old copy may not know. */
  async #sources(): Promise<ReadonlySet<string>> {
    const reporting = this.reports.read().received.map(({ source }) => source);
    const all = new Set([...(await this.store.sources()), ...this.outside.publishers, ...reporting]);
    all.delete('audit');
    return all;
  }

  /**
   * Restores the recovered events.
   * @param acceptLoss continue although something is missing, or although the log then differs from the signed one; this is recorded in the log
   * @throws {Problem} 409 `RECOVERY_INCOMPLETE`, `RECOVERY_MISMATCH`, `RECOVERY_CONFLICT`, `LOG_NOT_RESTORED`
   */
  async recover(acceptLoss: boolean, caller: Caller): Promise<RecoveryReport> {
    const asked = { accept_loss: acceptLoss };
    return this.#recordRefusal('log.recovery_refused', caller, asked, () => this.#recover(acceptLoss, caller));
  }

  async #recover(acceptLoss: boolean, caller: Caller): Promise<RecoveryReport> {
    this.outside.mustBeRestored();
    const order = { end: this.outside.end, checkpoint: this.outside.checkpoint, acceptLoss, context: by(caller) };
    const result = await this.store.recover(order);
    if (result.kind === 'missing') {
      throw new Problem(409, 'RECOVERY_INCOMPLETE', 'Events are still missing; wait for them, or accept their loss.', {
        missing: spansJson(result.missing),
      });
    }
    if (result.kind === 'contested') {
      const detail =
        'Several events claim the same log index; investigate which source is wrong, or accept their loss.';
      throw new Problem(409, 'RECOVERY_CONFLICT', detail, { contested: spansJson(result.contested) });
    }
    if (result.kind === 'mismatch') {
      const detail =
        'The recovered events do not match the newest signed checkpoint; find out which source is wrong before you accept a loss.';
      throw new Problem(409, 'RECOVERY_MISMATCH', detail);
    }
    await this.outside.seen(this.outside.end);
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
}

function jsonOf(message: JsMsg): unknown {
  try {
    return message.json();
  } catch {
    return undefined;
  }
}
