import { bigint, char, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type Currency } from '@countersign/money';
import { type AccountId } from '../accounts/account.js';
import { type TransferId } from './transfer.js';

export const transferTable = pgTable('transfer', {
  id: uuid('id').primaryKey().$type<TransferId>(),
  debitAccount: uuid('debit_account').notNull().$type<AccountId>(),
  creditAccount: uuid('credit_account').notNull().$type<AccountId>(),
  amount: bigint('amount', { mode: 'bigint' }).notNull(),
  currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  reference: text('reference').notNull(),
  subject: text('subject').notNull(),
  clientId: text('client_id').notNull(),
  actors: text('actors').array().notNull(),
  txn: text('txn').notNull(),
  postedAt: timestamp('posted_at', { withTimezone: true }).notNull(),
});

export const entryTable = pgTable('entry', {
  position: bigint('position', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  transferId: uuid('transfer_id').notNull().$type<TransferId>(),
  accountId: uuid('account_id').notNull().$type<AccountId>(),
  side: text('side', { enum: ['debit', 'credit'] }).notNull(),
  amount: bigint('amount', { mode: 'bigint' }).notNull(),
  balanceAfter: bigint('balance_after', { mode: 'bigint' }).notNull(),
  postedAt: timestamp('posted_at', { withTimezone: true }).notNull(),
});
