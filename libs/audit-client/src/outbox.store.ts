import type pg from 'pg';
import { z } from 'zod';
import { completeEvent, eventText, type NewAuditEvent, type UnnumberedEvent } from '@countersign/audit-event';
import { GroupCommit } from './group-commit.js';
import { uuidv7 } from '@countersign/audit-event';
import { execute, type SqlExecutor } from './sql-executor.js';

/** The service that records, and its outbox. */
export interface AuditOutboxOptions {
  /** The service's own database, which holds `audit_outbox`. */
  readonly pool: pg.Pool;
  /** The service's name. */
  readonly source: string;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

/** Rows of a table up to which what waits is counted: beyond, the exact number is of no use, and counting would be expensive. */
export const OUTBOX_COUNT_LIMIT = 100_000;

/** What waits in the outbox for audit's receipt. */
export interface WaitingEvents {
  /** How many events, counted up to {@link OUTBOX_COUNT_LIMIT} rows. */
  readonly pending: number;
  /** When the oldest was recorded; undefined if none waits. */
  readonly oldestAt: Date | undefined;
}

/** Maximum events in one row of `audit_outbox_group`. */
export const EVENTS_IN_A_GROUP = 1_000;

const INSERT = 'insert into audit_outbox (id, event) values ($1::uuid, $2::jsonb)';
const INSERT_GROUP = 'insert into audit_outbox_group (events, count) values ($1::text, $2::integer)';
const WAITING = `
  select (select count(*) from (select 1 from audit_outbox limit ${String(OUTBOX_COUNT_LIMIT)}) as waiting)::int
      + (select coalesce(sum(count), 0) from (select count from audit_outbox_group limit ${String(OUTBOX_COUNT_LIMIT)}) as waiting)::int as pending,
    least((select created_at from audit_outbox order by position limit 1),
          (select created_at from audit_outbox_group order by position limit 1)) as oldest`;
const waitingRows = z.tuple([z.object({ pending: z.number(), oldest: z.date().nullable() })]);
const rowOf = (events: readonly UnnumberedEvent[]): readonly [events: string, count: number] => [
  events.map((event) => JSON.stringify(event)).join('\n'),
  events.length,
];

/**
 * Milliseconds between creating an event and looking for it in the outbox, when it commits as part of a larger transaction. Nothing says when that is:
 * the relay looks again after twice the time, and so on up to the limit.
 */
const COMMIT_MS = 10;
const COMMIT_LIMIT_MS = 5_120;

/**
 * The service's record of what it did, in its own database (transactional outbox). An event is durable before the answer is sent;
 * NATS and the audit service are not on the request's path.
 */
export class AuditOutbox {
  readonly #group: GroupCommit<UnnumberedEvent>;
  readonly #now: () => Date;
  readonly #newId: () => string;
  readonly #listeners: (() => void)[] = [];
  readonly #eventListeners: ((event: NewAuditEvent) => void)[] = [];
  #expected: { readonly timer: NodeJS.Timeout; readonly afterMs: number } | undefined;

  constructor(private readonly options: AuditOutboxOptions) {
    this.#now = options.now ?? (() => new Date());
    this.#newId = options.newId ?? (() => uuidv7());
    this.#group = new GroupCommit((events) => this.#insert(events), { groupLimit: 500, queueLimit: 10_000 });
  }

  /**
   * Records an event in the transaction of the change that it describes: both commit, or neither.
   * @param transaction as pg, drizzle, TypeORM or Prisma give it
   * @returns the event's id
   * @throws {AuditEventError}
   */
  async record(transaction: SqlExecutor, event: NewAuditEvent): Promise<string> {
    const complete = this.complete(event);
    await execute(transaction, INSERT, [complete.id, JSON.stringify(complete)]);
    return complete.id;
  }

  /**
   * Like {@link record}, for the many events of one change: a thousand share a row, which costs as much as one event.
   * @throws {AuditEventError}
   */
  async recordAll(transaction: SqlExecutor, events: readonly NewAuditEvent[]): Promise<void> {
    const complete = events.map((event) => this.complete(event));
    for (let from = 0; from < complete.length; from += EVENTS_IN_A_GROUP)
      await execute(transaction, INSERT_GROUP, rowOf(complete.slice(from, from + EVENTS_IN_A_GROUP)));
  }

  /**
   * Records an event that accompanies no change (a read, a refusal, a token issued); resolves once it is committed. Concurrent calls share one
   * row.
   * @returns the event's id
   * @throws {AuditEventError}, or the database's error: then the answer must not be sent
   */
  async recordDurably(event: NewAuditEvent): Promise<string> {
    const complete = this.#complete(event);
    await this.#group.add(complete);
    return complete.id;
  }

  /**
   * The event as `record` would write it, for a service that inserts it (`id`, `event`) in a separate statement.
   * @throws {AuditEventError}
   */
  complete(event: NewAuditEvent): UnnumberedEvent {
    const complete = this.#complete(event);
    // Where the earliest time is awaited already, this event commits after it or is found by the later ones.
    if (this.#listeners.length > 0 && this.#expected?.afterMs !== COMMIT_MS) this.#expect(COMMIT_MS);
    return complete;
  }

  #expect(afterMs: number): void {
    clearTimeout(this.#expected?.timer);
    this.#expected = undefined;
    if (afterMs > COMMIT_LIMIT_MS) return;
    const timer = setTimeout(() => {
      this.#expect(2 * afterMs);
      this.recorded();
    }, afterMs);
    this.#expected = { timer: timer.unref(), afterMs };
  }

  /**
   * As {@link complete}, for a statement of which it is not known before whether it changes anything: the event counts as recorded once it is
   * committed, and {@link announce} and {@link recorded} are called.
   * @throws {AuditEventError}
   */
  prepare(event: NewAuditEvent): UnnumberedEvent {
    return completeEvent(event, this.#newId(), this.options.source, this.#now());
  }

  /**
   * As {@link prepare}, as JSON and not held to the schema: for a path on which every microsecond counts, and whose events a spec holds to it.
   * @param now its time, from which the id begins
   * @throws {AuditEventError} for text that PostgreSQL cannot keep
   */
  prepareText(event: NewAuditEvent, now: Date = this.#now()): string {
    return eventText(event, this.options.newId?.() ?? uuidv7(now.getTime()), this.options.source, now);
  }

  #complete(event: NewAuditEvent): UnnumberedEvent {
    const complete = this.prepare(event);
    this.announce(event);
    return complete;
  }

  /** What waits for audit's receipt. */
  async waiting(): Promise<WaitingEvents> {
    const { rows } = await this.options.pool.query(WAITING);
    const [{ pending, oldest }] = waitingRows.parse(rows);
    return { pending, oldestAt: oldest ?? undefined };
  }

  /** Calls the listener for each event that is recorded, as the service made it. */
  onEvent(listener: (event: NewAuditEvent) => void): void {
    this.#eventListeners.push(listener);
  }

  /** For an event that the service inserts in a separate statement, without {@link complete}. */
  announce(event: NewAuditEvent): void {
    for (const listener of this.#eventListeners) listener(event);
  }

  /** Calls the listener when events are in the outbox, or may be by now. */
  onRecorded(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async #insert(events: readonly UnnumberedEvent[]): Promise<void> {
    await this.options.pool.query({ name: 'outbox-record', text: INSERT_GROUP, values: [...rowOf(events)] });
    this.recorded();
  }

  /** Call this after your own statement has committed events: the relay then publishes them immediately. */
  recorded(): void {
    for (const listener of this.#listeners) listener();
  }
}
