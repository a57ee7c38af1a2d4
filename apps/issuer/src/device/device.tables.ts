import { integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const deviceTable = pgTable('device_authorization', {
  id: uuid('id').primaryKey(),
  deviceDigest: text('device_digest').notNull(),
  userCodeDigest: text('user_code_digest').notNull(),
  clientId: text('client_id').notNull(),
  audience: text('audience').notNull(),
  scopes: jsonb('scopes').notNull().$type<readonly string[]>(),
  device: text('device').notNull(),
  network: text('network').notNull(),
  createdAt: time('created_at').notNull(),
  expiresAt: time('expires_at').notNull(),
  every: integer('every').notNull(),
  askedAt: time('asked_at'),
  allowed: jsonb('allowed').$type<unknown>(),
  decidedAt: time('decided_at'),
  redeemedAt: time('redeemed_at'),
});
export type DeviceRow = typeof deviceTable.$inferSelect;
