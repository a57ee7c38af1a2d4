import { bigint, char, jsonb, pgTable, primaryKey, smallint, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type Currency } from '@countersign/money';
import { type AccountId } from '../accounts/account.js';
import { type Metadata } from '../metadata.js';
import { holdStatuses, type TransferId } from './transfer.js';

/** What was requested, and by whom: never changed, never deleted. */
export const transferTable = pgTable('transfer', {
  id: uuid('id').primaryKey().$type<TransferId>(),
  reference: text('reference').notNull(),
  metadata: jsonb('metadata').notNull().default({}).$type<Metadata>(),
  corrects: uuid('corrects').$type<TransferId>(),
  subject: text('subject').notNull(),
  clientId: text('client_id').notNull(),
  actors: text('actors').array().notNull(),
  txn: text('txn').notNull(),
  /** When it was created; without a hold, also when it was posted. */
  postedAt: timestamp('posted_at', { withTimezone: true }).notNull(),
});

/** Its legs, numbered from 0: never changed, never deleted. */
export const legTable = pgTable(
  'leg',
  {
    transferId: uuid('transfer_id').notNull().$type<TransferId>(),
    number: smallint('number').notNull(),
    debitAccount: uuid('debit_account').notNull().$type<AccountId>(),
    creditAccount: uuid('credit_account').notNull().$type<AccountId>(),
    amount: bigint('amount', { mode: 'bigint' }).notNull(),
    currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  },
  (table) => [primaryKey({ columns: [table.transferId, table.number] })],
);

/** The hold of a transfer that has one; it ends once. */
export const holdTable = pgTable('hold', {
  transferId: uuid('transfer_id').primaryKey().$type<TransferId>(),
  status: text('status', { enum: holdStatuses }).notNull(),
  expiresAt: timestamp('expires_at', { withTimezone: true }).notNull(),
  /** Those of its legs, on either side. Holds that had ended before migration 0011 may have none. */
  accounts: uuid('accounts').array().$type<AccountId[]>(),
  /** The posted amount of a one-leg hold. */
  postedAmount: bigint('posted_amount', { mode: 'bigint' }),
  endedAt: timestamp('ended_at', { withTimezone: true }),
  endedBySubject: text('ended_by_subject'),
  endedByClientId: text('ended_by_client_id'),
  endedByActors: text('ended_by_actors').array(),
  endedByTxn: text('ended_by_txn'),
});

/** What moved: never changed, never deleted. */
export const entryTable = pgTable('entry', {
  position: bigint('position', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  transferId: uuid('transfer_id').notNull().$type<TransferId>(),
  leg: smallint('leg').notNull().default(0),
  accountId: uuid('account_id').notNull().$type<AccountId>(),
  side: text('side', { enum: ['debit', 'credit'] }).notNull(),
  amount: bigint('amount', { mode: 'bigint' }).notNull(),
  balanceAfter: bigint('balance_after', { mode: 'bigint' }).notNull(),
  postedAt: timestamp('posted_at', { withTimezone: true }).notNull(),
});
