import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';
import { type Transaction } from './database.module.js';

const lockRows = z.tuple([z.object({ held: z.boolean() })]);
const UNLOCK = 'select pg_advisory_unlock(hashtext($1))';

/**
 * Does something while this process holds a database-wide lock, so that only one replica at a time does it. The lock belongs to
 * its connection, so that a replica that dies releases it.
 * @param name of the lock; `countersign.<what>`
 * @returns the result of the work; undefined if another process holds the lock
 */
export async function withAdvisoryLock<Result>(
  pool: pg.Pool,
  name: string,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result | undefined> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const { rows } = await client.query('select pg_try_advisory_lock(hashtext($1)) as held', [name]);
    if (!lockRows.parse(rows)[0].held) return undefined;
    const result = await work(client);
    await client.query(UNLOCK, [name]);
    return result;
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error));
    // Closing the connection frees the lock, but only some time later: a caller that sees the failure may retry immediately.
    await client.query('rollback').catch(() => undefined);
    await client.query(UNLOCK, [name]).catch(() => undefined);
    throw broken;
  } finally {
    client.release(broken);
  }
}

/**
 * Waits for a database-wide lock, which the transaction then holds to its end. Read what the lock guards in the next statement, as with
 * {@link tryLock}.
 * @param name of what is locked: `api-key shop`
 * @param mode `shared`: others that ask for the same may hold it too
 */
export async function waitForLock(
  transaction: Transaction,
  name: string,
  mode: 'exclusive' | 'shared' = 'exclusive',
): Promise<void> {
  const lock = sql.raw(mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock');
  await transaction.execute(sql`select ${lock}(hashtextextended(${name}, 0))`);
}

/**
 * Tries a database-wide lock for the rest of a transaction, so that only one replica at a time does something. A separate
 * statement, because a statement's snapshot may be older than the lock that it takes: read what the lock guards in the next one.
 * @param name of the lock; `countersign.<what>`
 * @returns whether this transaction holds the lock now
 */
export async function tryLock(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query('select pg_try_advisory_xact_lock(hashtext($1)) as held', [name]);
  return lockRows.parse(rows)[0].held;
}
