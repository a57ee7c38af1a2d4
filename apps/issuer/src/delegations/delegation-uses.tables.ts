import { bigint, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type DelegationId } from './delegation.js';

export const delegationUseTable = pgTable(
  'delegation_use',
  {
    /** It is deleted together with this. */
    delegationId: uuid('delegation_id').notNull().$type<DelegationId>(),
    clientId: text('client_id').notNull(),
    audience: text('audience').notNull(),
    scope: text('scope').notNull(),
    times: bigint('times', { mode: 'number' }).notNull(),
    firstAt: timestamp('first_at', { withTimezone: true }).notNull(),
    lastAt: timestamp('last_at', { withTimezone: true }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.delegationId, table.clientId, table.audience] })],
);
