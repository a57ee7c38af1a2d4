import { type Revoked } from '@countersign/auth-core';
import { bigint, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

const time = (name: string) => timestamp(name, { withTimezone: true });

export const revocationKinds = [
  'token',
  'transaction',
  'client',
  'subject',
  'api-key',
  'key',
] as const satisfies readonly Revoked['kind'][];

export const revocationTable = pgTable('revocation', {
  /** The entry's key in the bucket; a second revocation of the same thing extends the first. */
  bucketKey: text('bucket_key').primaryKey(),
  kind: text('kind', { enum: revocationKinds }).notNull(),
  name: text('name').notNull(),
  issuedBefore: time('issued_before'),
  mattersUntil: time('matters_until').notNull(),
  revokedBy: text('revoked_by').notNull(),
  reason: text('reason'),
  changedAt: time('changed_at').notNull(),
  /** Its position in the order of all changes; 0 if it has none yet. */
  changedIn: bigint('changed_in', { mode: 'number' }).notNull(),
  /** The client of a revoked token or transaction, if known. */
  clientId: text('client_id'),
  /** For a client: up to this number it has replaced its tokens' entries. */
  replaces: bigint('replaces', { mode: 'number' }),
  /** When it was put into the bucket; null before that. */
  pushedAt: time('pushed_at'),
});
export type RevocationRow = typeof revocationTable.$inferSelect;
