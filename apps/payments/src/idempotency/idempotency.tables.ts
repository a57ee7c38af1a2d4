import { jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type IdempotencyKey, type StoredAnswer } from './idempotency-key.js';

export const idempotencyKeyTable = pgTable(
  'idempotency_key',
  {
    clientId: text('client_id').notNull(),
    subject: text('subject').notNull(),
    key: text('key').notNull().$type<IdempotencyKey>(),
    fingerprint: text('fingerprint').notNull(),
    /** What the request created or changes: a payment, a refund, a webhook endpoint. */
    resourceId: uuid('resource_id'),
    /** As written by replicas of the previous version. */
    paymentId: uuid('payment_id'),
    leaseUntil: timestamp('lease_until', { withTimezone: true }).notNull(),
    answer: jsonb('answer').$type<StoredAnswer>(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.clientId, table.subject, table.key] })],
);
