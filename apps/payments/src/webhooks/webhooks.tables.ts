import { integer, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { endpointReaches, type EndpointId } from './endpoint.js';
import { noticeTypes } from './notice.js';

export const webhookEndpointTable = pgTable('webhook_endpoint', {
  id: uuid('id').primaryKey().$type<EndpointId>(),
  clientId: text('client_id').notNull(),
  subject: text('subject').notNull(),
  reach: text('reach', { enum: endpointReaches }).notNull(),
  /** Its slot among its owner's endpoints, from 1. */
  slot: integer('slot').notNull(),
  url: text('url').notNull(),
  types: text('types', { enum: noticeTypes }).array().notNull(),
  status: text('status', { enum: ['active', 'gone', 'removed'] }).notNull(),
  failures: integer('failures').notNull(),
  restUntil: timestamp('rest_until', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull(),
});

export const webhookDeliveryTable = pgTable(
  'webhook_delivery',
  {
    endpointId: uuid('endpoint_id').notNull().$type<EndpointId>(),
    eventId: uuid('event_id').notNull(),
    type: text('type', { enum: noticeTypes }).notNull(),
    paymentId: uuid('payment_id').notNull(),
    body: text('body').notNull(),
    status: text('status', { enum: ['pending', 'delivered', 'failed'] }).notNull(),
    attempts: integer('attempts').notNull(),
    nextAttemptAt: timestamp('next_attempt_at', { withTimezone: true }),
    lastStatus: integer('last_status'),
    lastError: text('last_error'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
    deliveredAt: timestamp('delivered_at', { withTimezone: true }),
  },
  (table) => [primaryKey({ columns: [table.endpointId, table.eventId] })],
);
