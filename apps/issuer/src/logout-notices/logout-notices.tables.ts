import { integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const logoutNoticeTable = pgTable('logout_notice', {
  id: uuid('id').primaryKey(),
  clientId: text('client_id').notNull(),
  personId: text('person_id').notNull(),
  sessionId: uuid('session_id').notNull(),
  attempts: integer('attempts').notNull(),
  dueAt: timestamp('due_at', { withTimezone: true }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  /** Of the request that ended the session. */
  txn: text('txn'),
});
export type LogoutNoticeRow = typeof logoutNoticeTable.$inferSelect;
