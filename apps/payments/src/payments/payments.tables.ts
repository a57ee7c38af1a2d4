import { type Currency } from '@countersign/money';
import { bigint, char, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { paymentStatuses, type PaymentId } from './payment.js';

export const paymentTable = pgTable('payment', {
  id: uuid('id').primaryKey().$type<PaymentId>(),
  status: text('status', { enum: paymentStatuses }).notNull(),
  capture: text('capture', { enum: ['automatic', 'manual'] }).notNull(),
  transferId: uuid('transfer_id').notNull(),
  fromAccount: uuid('from_account').notNull(),
  toAccount: uuid('to_account').notNull(),
  amount: bigint('amount', { mode: 'bigint' }).notNull(),
  captured: bigint('captured', { mode: 'bigint' }).notNull(),
  refunded: bigint('refunded', { mode: 'bigint' }).notNull(),
  refunding: bigint('refunding', { mode: 'bigint' }).notNull(),
  currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  reference: text('reference').notNull(),
  failure: text('failure'),
  pending: text('pending', { enum: ['capture', 'cancel'] }),
  pendingAmount: bigint('pending_amount', { mode: 'bigint' }),
  holdSeconds: integer('hold_seconds'),
  expiresAt: timestamp('expires_at', { withTimezone: true }),
  orderUntil: timestamp('order_until', { withTimezone: true }).notNull(),
  dueAt: timestamp('attend_at', { withTimezone: true }),
  version: integer('version').notNull(),
  subject: text('subject').notNull(),
  clientId: text('client_id').notNull(),
  actors: text('actors').array().notNull(),
  txn: text('txn').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
});
