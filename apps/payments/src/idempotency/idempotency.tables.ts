import { jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type IdempotencyKey, type StoredAnswer } from './idempotency-key.js';

export const idempotencyKeyTable = pgTable(
  'idempotency_key',
  {
    clientId: text('client_id').notNull(),
    key: text('key').notNull().$type<IdempotencyKey>(),
    fingerprint: text('fingerprint').notNull(),
    paymentId: uuid('payment_id').notNull(),
    leaseUntil: timestamp('lease_until', { withTimezone: true }).notNull(),
    answer: jsonb('answer').$type<StoredAnswer>(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.clientId, table.key] })],
);
