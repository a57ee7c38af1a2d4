import { bigint, char, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type Currency } from '@countersign/money';
import { accountKinds, type AccountId } from './account.js';

export const accountTable = pgTable('account', {
  id: uuid('id').primaryKey().$type<AccountId>(),
  name: text('name').notNull(),
  kind: text('kind', { enum: accountKinds }).notNull(),
  currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  overdraft: text('overdraft', { enum: ['forbidden', 'allowed'] }).notNull(),
  creditsMinusDebits: bigint('credits_minus_debits', { mode: 'bigint' }).notNull().default(0n),
  openedBy: text('opened_by').notNull(),
  openedAt: timestamp('opened_at', { withTimezone: true }).notNull(),
});
