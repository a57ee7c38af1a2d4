import { and, eq, gte, lt, sql } from 'drizzle-orm';
import { sqlStateOf } from '../problems/database-fault.js';
import { type Database, type Transaction } from '../database/database.module.js';
import { deleteInPortions } from '../database/delete-in-portions.js';
import { IDEMPOTENCY_KEPT_HOURS, type IdempotencyKey } from '../requests/idempotency-key.js';
import { keyedAnswerTable as table } from './keyed-answers.tables.js';

/** Milliseconds that a request waits for another one with the same key. */
const WAIT_MS = 5_000;
/** PostgreSQL's code for a lock that was not granted in time. */
const LOCK_NOT_AVAILABLE = '55P03';

/** A key of one subject through one client: the same characters from another subject or client are another key. */
export interface KeyPlace {
  readonly subject: string;
  readonly clientId: string;
  readonly key: IdempotencyKey;
}

/** The response stored under a key. */
export type KnownAnswer = Pick<typeof table.$inferSelect, 'fingerprint' | 'resourceId' | 'answer'>;

const expiry = (now: Date): Date => new Date(now.getTime() - IDEMPOTENCY_KEPT_HOURS * 3_600_000);

/** Keys and their responses, in the service's table `idempotency_key`. */
export class KeyedAnswersStore {
  constructor(private readonly database: Database) {}

  /**
   * Locks the key for this transaction until it ends; waits for another one that holds it.
   * @returns whether this transaction holds it: false if the other one takes longer than five seconds
   */
  async lock(transaction: Transaction, { subject, clientId, key }: KeyPlace): Promise<boolean> {
    const name = JSON.stringify(['countersign.idempotency-key', subject, clientId, key]);
    try {
      await transaction.execute(sql`
        with before as materialized (select current_setting('lock_timeout') as lock_timeout)
        select set_config('lock_timeout', ${String(WAIT_MS)}, true), pg_advisory_xact_lock(hashtextextended(${name}, 0)),
          set_config('lock_timeout', before.lock_timeout, true) from before`);
      return true;
    } catch (error) {
      if (sqlStateOf(error) === LOCK_NOT_AVAILABLE) return false;
      throw error;
    }
  }

  /** The response stored under a key in the last {@link IDEMPOTENCY_KEPT_HOURS}. */
  async find(transaction: Transaction, place: KeyPlace, now: Date): Promise<KnownAnswer | undefined> {
    const at = [eq(table.subject, place.subject), eq(table.clientId, place.clientId), eq(table.key, place.key)];
    const [known] = await transaction
      .select({ fingerprint: table.fingerprint, resourceId: table.resourceId, answer: table.answer })
      .from(table)
      .where(and(...at, gte(table.createdAt, expiry(now))));
    return known;
  }

  /**
   * Stores a response, replacing an expired one.
   * @returns whether it was stored: false if another request has the key, which can only happen with an earlier release that takes no lock
   */
  async keep(
    transaction: Transaction,
    { subject, clientId, key }: KeyPlace,
    known: KnownAnswer,
    now: Date,
  ): Promise<boolean> {
    const set = { ...known, createdAt: now };
    const kept = await transaction
      .insert(table)
      .values({ subject, clientId, key, ...set })
      .onConflictDoUpdate({
        target: [table.subject, table.clientId, table.key],
        set,
        setWhere: lt(table.createdAt, expiry(now)),
      })
      .returning({ key: table.key });
    return kept.length > 0;
  }

  /** Deletes expired keys. @param signal ends it early */
  async prune(now: Date, signal?: AbortSignal): Promise<void> {
    await deleteInPortions(this.database.$client, 'idempotency_key', 'created_at < $1', [expiry(now)], signal);
  }
}
