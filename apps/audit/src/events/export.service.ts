import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY, type EventDetails } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, LOGGER, Problem, type Caller } from '@countersign/service-host';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { logStarting } from '../log/log-answers.js';
import { LogStore, type SignedCheckpoint } from '../log/log.store.js';
import { exportFormats, type EventExport } from './event-export.js';
import { type EventQuery } from './event-filter.js';
import { EventsStore } from './events.store.js';
import { ExportEvidence } from './export-evidence.js';
import { OpenStreams } from './open-streams.js';
import { ReaderPlaces } from './reader-places.js';
import { TokenWatch } from './token-watch.service.js';
import { readingScopeOf, visibilityOf } from './visibility.js';

/** Maximum concurrent exports of one process. */
export const EXPORT_PLACES = { total: 8, reserved: 3, perClient: 2 };
/** Milliseconds for which a reader may read nothing before its export ends and its slot is freed. */
const STALL_MS = 10_000;
/** Maximum milliseconds of one export; then it ends and says where to continue. */
const EXPORT_TIME_MS = 15 * 60_000;
/** Events read per page, and held in memory. */
const PAGE = 200;

/** Streams events, a page at a time, as fast as the reader reads them. Start and end are recorded. */
@Injectable()
export class ExportService implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #places = new ReaderPlaces(EXPORT_PLACES);
  readonly #streams = new OpenStreams();
  #isStopping = false;

  constructor(
    @Inject(EventsStore) private readonly store: EventsStore,
    @Inject(LogStore) private readonly log: LogStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(TokenWatch) private readonly tokens: TokenWatch,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Exports end after their current page, and say where to continue. */
  beforeApplicationShutdown(): void {
    this.#isStopping = true;
  }

  /** The database is still open. */
  onApplicationShutdown(): Promise<void> {
    return this.#streams.end();
  }

  /**
   * Starts an export of the current log, under its newest checkpoint.
   * @param caller whose token is checked again before each page: when it expires or is revoked, the export ends and says where to continue
   * @returns its text, piece by piece; end it early by `return()`
   * @throws {Problem} 429 `EXPORTS_BUSY`, `CLIENT_EXPORTS_BUSY`; 409 `CURSOR_BEYOND_END`
   */
  async begin(wanted: EventExport, caller: Caller): Promise<AsyncGenerator<string>> {
    const release = this.#places.take(caller.principal);
    if (release === 'busy') {
      throw new Problem(429, 'EXPORTS_BUSY', 'Too many exports are running on this server; retry later.', {
        retry_after: 10,
      });
    }
    if (release === 'client-busy') {
      const limit = String(EXPORT_PLACES.perClient);
      const detail = `Your client has ${limit} exports running on this server; wait until one of them ends.`;
      throw new Problem(429, 'CLIENT_EXPORTS_BUSY', detail, { retry_after: 10 });
    }
    const stream = this.#streams.follow(this.#stream(wanted, caller, release), STALL_MS);
    await stream.next();
    return stream;
  }

  /** The first step starts it and yields nothing to send. */
  async *#stream(wanted: EventExport, caller: Caller, release: () => void): AsyncGenerator<string> {
    try {
      await this.#checkCursor(wanted, caller);
      const checkpoint = await this.log.checkpointToKeep();
      if (checkpoint === undefined) throw logStarting();
      const changes = { export: wanted, below: String(checkpoint.treeSize) };
      await this.#record('events.exported', caller, { changes });
      yield* this.#lines(wanted, checkpoint, caller);
    } finally {
      release();
    }
  }

  async *#lines(wanted: EventExport, checkpoint: SignedCheckpoint, caller: Caller): AsyncGenerator<string> {
    const { format: name, limit = Infinity, cursor, checkpoints: passing = [], ...filter } = wanted;
    const format = exportFormats[name];
    const query: EventQuery = { filter, visibility: visibilityOf(caller.principal) };
    const deadline = performance.now() + EXPORT_TIME_MS;
    let shown = 0;
    let after = cursor === undefined ? undefined : BigInt(cursor);
    let complete = false;
    let reason: 'READER_GONE' | 'EXPORT_FAILED' | undefined = 'READER_GONE';
    let isRecorded = false;
    const end = async (): Promise<void> => {
      const changes = { export: wanted, shown, complete };
      const outcome = reason === undefined ? 'allowed' : 'failed';
      await this.#record('events.export_ended', caller, { changes, outcome, reason });
      isRecorded = true;
    };
    try {
      yield '';
      const first = await this.#firstIndex(after, checkpoint);
      if (first > 0) after = BigInt(first) - 1n;
      const evidence = new ExportEvidence(this.log, checkpoint, first, passing);
      const filtered = query.visibility !== 'all' || Object.keys(filter).length > 0;
      yield format.head({
        start: {
          first_index: String(first),
          tree_size: String(checkpoint.treeSize),
          checkpoint: checkpoint.note,
          filtered,
          passing: passing.map(String),
          skipped: await evidence.before(),
        },
      });
      while (!complete && shown < limit && performance.now() < deadline && !this.#isStopping) {
        const page = Math.min(PAGE, limit - shown);
        const from = after === undefined ? 0 : Number(after) + 1;
        const { rows, next } = await this.store.find(query, {
          direction: 'oldest-first',
          after,
          below: BigInt(checkpoint.treeSize),
          limit: page,
        });
        // It may have ended while the page was read; then nothing is shown.
        if (!this.tokens.isGood(caller.token)) break;
        // Without a filter the first event shows whether earlier ones are gone; with one, a missing row leaves no trace.
        const isWhole = !filtered && Number(rows[0]?.logIndex) === from;
        const sealed = isWhole ? undefined : await this.#sealedMeanwhile(from);
        if (sealed !== undefined) {
          after = sealed;
          break;
        }
        after = next ?? rows.at(-1)?.logIndex ?? after;
        complete = next === null;
        shown += rows.length;
        const proofs = await evidence.of(rows);
        const lines = rows.flatMap((row, at) => {
          const proof = proofs[at];
          return proof === undefined ? [] : [format.line(row, proof, checkpoint)];
        });
        if (lines.length > 0) yield lines.join('');
      }
      const skipped = await evidence.after();
      reason = undefined;
      await end();
      yield format.tail({
        end: {
          events: shown,
          complete,
          next_cursor: complete ? null : (after?.toString() ?? null),
          checkpoint: checkpoint.note,
          skipped,
        },
      });
    } catch (error) {
      reason = 'EXPORT_FAILED';
      throw error;
    } finally {
      if (!isRecorded) {
        await end().catch((error: unknown) => {
          this.logger.error({ err: error }, 'the end of an export could not be recorded');
        });
      }
    }
  }

  async #record(
    name: 'events.exported' | 'events.export_ended',
    caller: Caller,
    said: Pick<EventDetails<'event'>, 'changes' | 'outcome' | 'reason'>,
  ): Promise<void> {
    const details = { ...said, id: EVERY, action: readingScopeOf(caller.principal) };
    await this.outbox.recordDurably(events.event(name, by(caller), details));
  }

  /** @throws {Problem} if the log never reached the cursor, which is from another log, or from this one before a restore */
  async #checkCursor(wanted: EventExport, caller: Caller): Promise<void> {
    const { cursor } = wanted;
    if (cursor === undefined || BigInt(cursor) < (await this.store.size())) return;
    const reason = 'CURSOR_BEYOND_END';
    await this.#record('events.exported', caller, { changes: { export: wanted }, outcome: 'failed', reason });
    throw new Problem(409, reason, `The log has no index ${cursor} yet; start without a cursor.`);
  }

  /** Events sealed by retention are no longer here: the export starts after them. */
  async #firstIndex(after: bigint | undefined, { treeSize }: SignedCheckpoint): Promise<number> {
    const { minimumIndex } = await this.log.head();
    const asked = after === undefined ? 0 : Number(after) + 1;
    return Math.min(Math.max(asked, minimumIndex), treeSize);
  }

  /** The last index that retention removed before the export reached it: the export ends there, and continues after it. */
  async #sealedMeanwhile(from: number): Promise<bigint | undefined> {
    const { minimumIndex } = await this.log.head();
    return minimumIndex > from ? BigInt(minimumIndex) - 1n : undefined;
  }
}
