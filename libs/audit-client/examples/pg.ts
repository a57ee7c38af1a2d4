import { AuditOutbox } from '@countersign/audit-client';
import { type AuditPrincipal } from '@countersign/audit-event';
import pg from 'pg';
import { cancelled } from './events.js';

export const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const lost = (error: Error): void => console.warn('a database connection was lost', error.message);
// Without these listeners a lost connection ends the process, for example when PostgreSQL restarts.
pool.on('error', lost).on('connect', (client) => client.on('error', lost));
const outbox = new AuditOutbox({ pool, source: 'orders' });

export async function cancel(order: string, caller: AuditPrincipal): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('update orders set cancelled = true where id = $1', [order]);
    await outbox.record(client, cancelled(order, caller)); // both commit, or neither
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}
