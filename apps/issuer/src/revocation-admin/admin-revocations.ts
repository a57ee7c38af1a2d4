import { pathOfOddText, timeBoundSchema } from '@countersign/service-host';
import { z } from 'zod';
import { clientIdSchema } from '../registry/client.js';
import { revocationKinds, type RevocationRow } from '../registry/revocations.tables.js';
import { revocableIdSchema, revocableSubjectSchema } from '../revocation/revocable-id.js';
import { withDerived, type RevocationRequest } from '../revocation/revocation.js';

const reason = z.string().min(1).max(200).optional();
// Validators do not accept a statement with an earlier time, and a list with one would never be complete.
const time = timeBoundSchema.refine((at) => at.getTime() >= 0, 'must not be before 1970');

/**
 * What an administrator may revoke. Times are RFC 3339; without one, everything issued until now. `with_derived` extends a token to all of
 * its transaction: what was exchanged for it, and what it was exchanged for. `txn` names the transaction; without it, the token counts as its first.
 * `client_id` names the token's client, so that one entry for the client can replace many when the list fills up.
 */
export const newRevocationSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('token'),
    jti: revocableIdSchema,
    txn: revocableIdSchema.optional(),
    with_derived: z.boolean().default(false),
    client_id: clientIdSchema.optional(),
    expires_at: time.optional(),
    reason,
  }),
  z.strictObject({ kind: z.literal('transaction'), txn: revocableIdSchema, reason }),
  z.strictObject({ kind: z.literal('client'), client_id: clientIdSchema, issued_before: time.optional(), reason }),
  z.strictObject({
    kind: z.literal('subject'),
    subject: revocableSubjectSchema,
    issued_before: time.optional(),
    reason,
  }),
  z.strictObject({ kind: z.literal('key'), kid: revocableIdSchema, reason }),
]);
export type NewRevocation = z.infer<typeof newRevocationSchema>;

export const revocationsQuerySchema = z.strictObject({
  kind: z.enum(revocationKinds).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(1_024).optional(),
});
export type RevocationsQuery = z.infer<typeof revocationsQuerySchema>;

/** A revocation as the admin API shows it. */
export interface RevocationView {
  readonly kind: RevocationRow['kind'];
  /** The `jti`, `txn`, client, subject or `kid`. */
  readonly name: string;
  readonly issued_before?: string;
  /** When it leaves. */
  readonly until: string;
  readonly revoked_by: string;
  readonly revoked_at: string;
  readonly reason?: string;
  /** Whether the validators' bucket has it. */
  readonly pushed: boolean;
}

export function viewOf(row: RevocationRow, pushed = row.pushedAt !== null): RevocationView {
  return {
    kind: row.kind,
    name: row.name,
    ...(row.issuedBefore === null ? {} : { issued_before: row.issuedBefore.toISOString() }),
    until: row.mattersUntil.toISOString(),
    revoked_by: row.revokedBy,
    revoked_at: row.changedAt.toISOString(),
    ...(row.reason === null ? {} : { reason: row.reason }),
    pushed,
  };
}

const cursorSchema = z.tuple([
  timeBoundSchema,
  z
    .string()
    .max(1_024)
    .refine((key) => pathOfOddText(key) === undefined),
]);

/** Where the next page starts. */
export function cursorOf({ changedAt, bucketKey }: RevocationRow): string {
  return Buffer.from(JSON.stringify([changedAt.toISOString(), bucketKey])).toString('base64url');
}

/** @returns undefined if it is not a cursor */
export function parseCursor(cursor: string): Pick<RevocationRow, 'changedAt' | 'bucketKey'> | undefined {
  try {
    const [changedAt, bucketKey] = cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { changedAt, bucketKey };
  } catch {
    return undefined;
  }
}

const seconds = (time: Date | undefined): number | undefined =>
  time === undefined ? undefined : time.getTime() / 1_000;

/** What to revoke; the first entry is what was requested. */
export function requestsOf(asked: NewRevocation): readonly RevocationRequest[] {
  switch (asked.kind) {
    case 'token': {
      const { jti, txn, with_derived: derived, expires_at: end, client_id: holder } = asked;
      const expiresAt = seconds(end);
      return derived ? withDerived(jti, txn, expiresAt, holder) : [{ kind: 'token', tokenId: jti, expiresAt, holder }];
    }
    case 'transaction':
      return [{ kind: 'transaction', txn: asked.txn }];
    case 'client':
      return [{ kind: 'client', clientId: asked.client_id, issuedBefore: seconds(asked.issued_before) }];
    case 'subject':
      return [{ kind: 'subject', subject: asked.subject, issuedBefore: seconds(asked.issued_before) }];
    case 'key':
      return [{ kind: 'key', keyId: asked.kid }];
  }
}
