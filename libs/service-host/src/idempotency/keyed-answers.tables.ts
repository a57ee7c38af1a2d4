import { jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { type IdempotencyKey } from '../requests/idempotency-key.js';

/** The response stored under a key: a table of each service that has `keyedAnswers` among its providers. */
export const keyedAnswerTable = pgTable(
  'idempotency_key',
  {
    subject: text('subject').notNull(),
    clientId: text('client_id').notNull(),
    key: text('key').notNull().$type<IdempotencyKey>(),
    /** Of the request. */
    fingerprint: text('fingerprint').notNull(),
    /** Of the response's object; null if stored by an earlier release. */
    resourceId: text('resource_id'),
    answer: jsonb('answer').notNull().$type<unknown>(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.clientId, table.key] })],
);
