import { bigint, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type AuditEvent } from '@countersign/audit-event';

export const eventTable = pgTable('event', {
  /** 0-based, without a gap: the position of the event's leaf in the Merkle log. */
  logIndex: bigint('log_index', { mode: 'bigint' }).primaryKey(),
  id: uuid('id').notNull(),
  source: text('source').notNull(),
  sequence: bigint('sequence', { mode: 'bigint' }).notNull(),
  type: text('type').notNull(),
  time: timestamp('time', { withTimezone: true }).notNull(),
  resource: text('resource').notNull(),
  action: text('action').notNull(),
  outcome: text('outcome', { enum: ['allowed', 'denied', 'failed'] }).notNull(),
  subject: text('subject'),
  clientId: text('client_id'),
  actors: text('actors').array().notNull(),
  txn: text('txn'),
  traceId: text('trace_id'),
  event: jsonb('event').notNull().$type<AuditEvent>(),
  receivedAt: timestamp('received_at', { withTimezone: true }).notNull(),
});
