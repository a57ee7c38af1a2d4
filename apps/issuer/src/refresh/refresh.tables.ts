import { integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type DelegationId } from '../delegations/delegation.js';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const refreshFamilyTable = pgTable('refresh_family', {
  delegationId: uuid('delegation_id').primaryKey().$type<DelegationId>(),
  salt: text('salt').notNull(),
  generation: integer('generation').notNull(),
  rotations: jsonb('rotations').notNull().$type<readonly number[]>(),
  begunAt: time('begun_at').notNull(),
  usedAt: time('used_at').notNull(),
});
export type RefreshFamilyRow = typeof refreshFamilyTable.$inferSelect;
