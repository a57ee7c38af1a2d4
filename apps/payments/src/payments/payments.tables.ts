import { type Currency } from '@countersign/money';
import { bigint, char, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type PaymentId } from './payment.js';

export const paymentTable = pgTable('payment', {
  id: uuid('id').primaryKey().$type<PaymentId>(),
  status: text('status', { enum: ['created', 'settled', 'failed'] }).notNull(),
  transferId: uuid('transfer_id').notNull(),
  fromAccount: uuid('from_account').notNull(),
  toAccount: uuid('to_account').notNull(),
  amount: bigint('amount', { mode: 'bigint' }).notNull(),
  currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  reference: text('reference').notNull(),
  failure: text('failure'),
  subject: text('subject').notNull(),
  clientId: text('client_id').notNull(),
  actors: text('actors').array().notNull(),
  txn: text('txn').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
});
