import { type Currency } from '@countersign/money';
import { bigint, char, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type PaymentId } from '../payments/payment.js';
import { type RefundId } from './refund.js';

export const refundTable = pgTable('refund', {
  id: uuid('id').primaryKey().$type<RefundId>(),
  paymentId: uuid('payment_id').notNull().$type<PaymentId>(),
  status: text('status', { enum: ['created', 'settled', 'failed'] }).notNull(),
  transferId: uuid('transfer_id').notNull(),
  amount: bigint('amount', { mode: 'bigint' }).notNull(),
  currency: char('currency', { length: 3 }).notNull().$type<Currency>(),
  reason: text('reason').notNull(),
  failure: text('failure'),
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
