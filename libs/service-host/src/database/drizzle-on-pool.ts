import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';

/**
 * A pool with drizzle. Drizzle's own `transaction` never releases a connection whose `begin` fails (it was lost at that moment), so that a
 * pool runs dry and cannot end; this one releases every connection, and discards one that cannot even roll back.
 */
export function drizzleOn(pool: pg.Pool): NodePgDatabase & { readonly $client: pg.Pool } {
  const database = drizzle({ client: pool });
  database.transaction = async (work, config) => {
    const client = await pool.connect();
    let broken = false;
    try {
      return await drizzle({ client }).transaction(work, config);
    } catch (error) {
      await client.query('rollback').catch(() => (broken = true));
      throw error;
    } finally {
      client.release(broken);
    }
  };
  return database;
}
