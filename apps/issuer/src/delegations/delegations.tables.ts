import { jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type DelegationEnd, type DelegationId } from './delegation.js';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const delegationTable = pgTable('delegation', {
  id: uuid('id').primaryKey().$type<DelegationId>(),
  personId: text('person_id').notNull(),
  clientId: text('client_id').notNull(),
  audience: text('audience').notNull(),
  scopes: jsonb('scopes').notNull().$type<readonly string[]>(),
  sessionId: text('session_id').notNull(),
  authTime: time('auth_time').notNull(),
  acr: text('acr'),
  amr: jsonb('amr').notNull().$type<readonly string[]>(),
  roles: jsonb('roles').notNull().$type<readonly string[]>(),
  nonce: text('nonce'),
  dpopKey: text('dpop_key'),
  createdAt: time('created_at').notNull(),
  endedAt: time('ended_at'),
  endedBecause: text('ended_because').$type<DelegationEnd>(),
});
export type DelegationRow = typeof delegationTable.$inferSelect;
