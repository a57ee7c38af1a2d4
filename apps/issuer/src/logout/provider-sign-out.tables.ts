import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';

export const providerSignOutTable = pgTable('provider_sign_out', {
  stateDigest: text('state_digest').primaryKey(),
  browserDigest: text('browser_digest').notNull(),
  provider: text('provider').notNull(),
  /** The application's own address after signing out, with its state. */
  leadsTo: text('leads_to'),
  startedAt: timestamp('started_at', { withTimezone: true }).notNull(),
});
export type ProviderSignOutRow = typeof providerSignOutTable.$inferSelect;
