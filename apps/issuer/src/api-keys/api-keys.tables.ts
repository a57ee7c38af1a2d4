import { jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const apiKeyTable = pgTable('api_key', {
  id: uuid('id').primaryKey(),
  clientId: text('client_id').notNull(),
  name: text('name').notNull(),
  /** HMAC-SHA-256 of the key's SHA-256, under the issuer's key, base64url. */
  digest: text('digest').notNull(),
  /** Per audience, the scopes. */
  audiences: jsonb('audiences').notNull().$type<Readonly<Record<string, readonly string[]>>>(),
  /** CIDR. */
  networks: jsonb('networks').notNull().$type<readonly string[]>(),
  plan: text('plan'),
  createdAt: time('created_at').notNull(),
  createdBy: text('created_by').notNull(),
  expiresAt: time('expires_at').notNull(),
  /** When its grace period ends, if it has a successor. */
  endsAt: time('ends_at'),
  successor: uuid('successor'),
  disabledAt: time('disabled_at'),
  revokedAt: time('revoked_at'),
  /** When it was seen in public. */
  exposedAt: time('exposed_at'),
  /** The service that saw it there. */
  exposedAtService: text('exposed_at_service'),
  warnedAt: time('warned_at'),
  /** To the minute. */
  lastUsedAt: time('last_used_at'),
});
export type ApiKeyRow = typeof apiKeyTable.$inferSelect;
