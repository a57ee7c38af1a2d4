import { boolean, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

/** Requests that were pushed (RFC 9126), or that wait for the person. */
export const authorizationRequestTable = pgTable('authorization_request', {
  id: uuid('id').primaryKey(),
  /** Of the secret part of its `request_uri`. */
  digest: text('digest').notNull(),
  clientId: text('client_id').notNull(),
  request: jsonb('request').notNull(),
  pushed: boolean('pushed').notNull(),
  createdAt: time('created_at').notNull(),
  /** When a browser first brought it. */
  shownAt: time('shown_at'),
  expiresAt: time('expires_at').notNull(),
});

export const authorizationCodeTable = pgTable('authorization_code', {
  digest: text('digest').primaryKey(),
  clientId: text('client_id').notNull(),
  redirectUri: text('redirect_uri').notNull(),
  codeChallenge: text('code_challenge').notNull(),
  dpopKey: text('dpop_key'),
  allowed: jsonb('allowed').notNull(),
  expiresAt: time('expires_at').notNull(),
  redeemedAt: time('redeemed_at'),
  /** When the person withdrew what they had allowed. */
  withdrawnAt: time('withdrawn_at'),
});
