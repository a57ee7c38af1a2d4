import { boolean, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

export const signInTable = pgTable('sign_in', {
  stateDigest: text('state_digest').primaryKey(),
  provider: text('provider').notNull(),
  browserDigest: text('browser_digest').notNull(),
  returnTo: text('return_to').notNull(),
  forced: boolean('forced').notNull(),
  startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
});
export type SignInRow = typeof signInTable.$inferSelect;
