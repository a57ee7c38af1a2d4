import { boolean, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { supportedAlgorithms } from '@countersign/auth-core';
import { type Sealed } from './key-encryption.js';
import { type PublishedKey } from './key-set.js';
import { keyStates } from './signing-key.js';

const time = (name: string) => timestamp(name, { withTimezone: true });

/** Keys of one purpose have their own table. */
const keyTable = (name: string) =>
  pgTable(name, {
    kid: text('kid').primaryKey(),
    algorithm: text('algorithm', { enum: supportedAlgorithms }).notNull(),
    state: text('state', { enum: keyStates }).notNull(),
    publicJwk: jsonb('public_jwk').notNull().$type<PublishedKey>(),
    privateKey: jsonb('private_key').$type<Sealed>(),
    createdAt: time('created_at').notNull(),
    usableFrom: time('usable_from').notNull(),
    activatedAt: time('activated_at'),
    retiredAt: time('retired_at'),
    removedAt: time('removed_at'),
    revoked: boolean('revoked').notNull().default(false),
  });

export const signingKeyTable = keyTable('signing_key');
/** The keys that sign revocations. */
export const revocationKeyTable = keyTable('revocation_key');
export type KeyTable = typeof signingKeyTable;
export type SigningKeyRow = typeof signingKeyTable.$inferSelect;

export const issuerSecretTable = pgTable('issuer_secret', {
  name: text('name').primaryKey(),
  sealed: jsonb('sealed').notNull().$type<Sealed>(),
});
