import { bigint, char, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type Currency } from '@countersign/money';
import { type Metadata } from '../metadata.js';
import { accountKinds, accountStatuses, overdraftRules, type AccountId } from './account.js';

export const accountTable = pgTable('account', {
  id: uuid('id').primaryKey().$type<AccountId>(),
  name: text('name').notNull(),
  kind: text('kind', { enum: accountKinds }).notNull(),
  currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  overdraft: text('overdraft', { enum: overdraftRules }).notNull(),
  overdraftLimit: bigint('overdraft_limit', { mode: 'bigint' }).notNull().default(0n),
  grantedBy: text('granted_by'),
  status: text('status', { enum: accountStatuses }).notNull().default('open'),
  owner: text('owner').notNull(),
  metadata: jsonb('metadata').notNull().default({}).$type<Metadata>(),
  creditsMinusDebits: bigint('credits_minus_debits', { mode: 'bigint' }).notNull().default(0n),
  held: bigint('held', { mode: 'bigint' }).notNull().default(0n),
  openedBy: text('opened_by').notNull(),
  openedAt: timestamp('opened_at', { withTimezone: true }).notNull(),
  changedAt: timestamp('changed_at', { withTimezone: true }).notNull(),
});
