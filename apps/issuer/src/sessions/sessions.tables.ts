import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import { type PersonId } from '../people/person.js';
import { type SessionEnd, type SessionId } from './session.js';

export const sessionTable = pgTable('session', {
  id: uuid('id').primaryKey().$type<SessionId>(),
  secretDigest: text('secret_digest').notNull(),
  personId: text('person_id').notNull().$type<PersonId>(),
  issuer: text('issuer').notNull(),
  providerSession: text('provider_session'),
  authenticatedAt: timestamp('authenticated_at', { withTimezone: true }).notNull(),
  acr: text('acr'),
  amr: text('amr').array().notNull(),
  /** The provider's ID token, encrypted under the cookie's secret. */
  providerHint: text('provider_hint'),
  device: text('device').notNull(),
  network: text('network').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull(),
  seenAt: timestamp('seen_at', { withTimezone: true }).notNull(),
  endedAt: timestamp('ended_at', { withTimezone: true }),
  endedBy: text('ended_by').$type<SessionEnd>(),
});
export type SessionRow = typeof sessionTable.$inferSelect;
