import { AuditOutbox } from '@countersign/audit-client';
import { type AuditPrincipal } from '@countersign/audit-event';
import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { boolean, pgTable, uuid } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { cancelled } from './events.js';

const orders = pgTable('orders', { id: uuid('id').primaryKey(), cancelled: boolean('cancelled').notNull() });

export const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const lost = (error: Error): void => console.warn('a database connection was lost', error.message);
// Without these listeners a lost connection ends the process, for example when PostgreSQL restarts.
pool.on('error', lost).on('connect', (client) => client.on('error', lost));
const database = drizzle({ client: pool });
const outbox = new AuditOutbox({ pool, source: 'orders' });

export async function cancel(order: string, caller: AuditPrincipal): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.update(orders).set({ cancelled: true }).where(eq(orders.id, order));
    await outbox.record(transaction, cancelled(order, caller)); // both commit, or neither
  });
}
