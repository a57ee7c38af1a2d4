import { type IdempotencyKey } from '@countersign/service-host';
import { jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { type AccountJson } from './account.js';

/** Which account was opened under a key, as it was answered. */
export const idempotencyKeyTable = pgTable(
  'idempotency_key',
  {
    subject: text('subject').notNull(),
    clientId: text('client_id').notNull(),
    key: text('key').notNull().$type<IdempotencyKey>(),
    fingerprint: text('fingerprint').notNull(),
    answer: jsonb('answer').notNull().$type<AccountJson>(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.clientId, table.key] })],
);
