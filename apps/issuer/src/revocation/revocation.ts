import { type Revocation, type Revoked, type RevokedOf } from '@countersign/auth-core';
import { KEY_REVOCATION_LIMIT_SECONDS } from '@countersign/revocation-feed';
import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';

/** What to revoke. Times are seconds since 1970. */
export type RevocationRequest =
  /** `expiresAt`: the token's `exp`, if known; no token lives longer than the limit. `holder`: its client, if known. */
  | (RevokedOf<'token'> & { readonly expiresAt?: number | undefined; readonly holder?: string | undefined })
  | (RevokedOf<'transaction'> & { readonly holder?: string | undefined })
  /** `issuedBefore`: now by default. */
  | (RevokedOf<'client' | 'subject' | 'api-key'> & { readonly issuedBefore?: number | undefined })
  | RevokedOf<'key'>;

/** The kind of resource in its events. */
export function resourceKindOf(kind: Revoked['kind']): Exclude<Revoked['kind'], 'key'> | 'signing-key' {
  return kind === 'key' ? 'signing-key' : kind;
}

/** Why something is revoked. */
export interface RevocationCause {
  /** For people; at most 200 characters. */
  readonly reason?: string | undefined;
  /** The variable that caused it, if nobody requested it: the declared file being applied, or the size of the bucket that filled up. */
  readonly configuration?: 'CLIENTS_FILE' | 'REVOCATION_BUCKET_BYTES';
}

/** The time of the revocation, by the database's clock, which all replicas share. */
export interface Moment {
  /** Seconds. */
  readonly now: number;
  /** Seconds; every token issued until now carries this time or an earlier one, and every later token a later one. */
  readonly issuedUntil: number;
}

/** Whether a request names a time in the future, beyond the allowed clock difference. */
export function isInFuture(requested: RevocationRequest, { now }: Moment): boolean {
  return 'issuedBefore' in requested && (requested.issuedBefore ?? 0) > now + CLOCK_TOLERANCE_SECONDS;
}

/** Tokens issued by a replica until a time may carry a time that much later. */
function issuedBeforeOf(requested: number | undefined, { issuedUntil }: Moment): number {
  return requested === undefined ? issuedUntil : Math.min(requested + CLOCK_TOLERANCE_SECONDS, issuedUntil);
}

/** The revocation that results from a request at a given time; it matters until the last token that it refuses has expired. */
export function revocationFor(requested: RevocationRequest, moment: Moment): Revocation {
  const latest = Math.ceil(moment.now) + TOKEN_LIFETIME_LIMIT;
  switch (requested.kind) {
    case 'token': {
      const { kind, tokenId, expiresAt = latest } = requested;
      return { kind, tokenId, until: Math.min(Math.ceil(expiresAt), latest) };
    }
    case 'transaction':
      return { kind: 'transaction', txn: requested.txn, until: latest };
    case 'client':
    case 'subject':
    case 'api-key': {
      const { issuedBefore: until, ...revoked } = requested;
      const issuedBefore = issuedBeforeOf(until, moment);
      return { ...revoked, issuedBefore, until: Math.ceil(issuedBefore) + TOKEN_LIFETIME_LIMIT };
    }
    case 'key':
      // Anyone with a stolen key can write any `exp`, so this is not a token's lifetime: it is far longer than any validator may continue with keys
      // that it fetched before (a day by default).
      return { kind: 'key', keyId: requested.keyId, until: Math.ceil(moment.now) + KEY_REVOCATION_LIMIT_SECONDS };
  }
}

/**
 * What revokes a token and everything derived from it: its transaction. A token that is not the first of its transaction is named
 * as well, so that it is refused even if the transaction is not its own.
 * @param holder the token's client, if known
 * @param txn the token's `txn`; if unknown, the `jti`, which is right for the first token of a transaction
 */
export function withDerived(
  tokenId: string,
  txn: string | undefined,
  expiresAt: number | undefined,
  holder: string | undefined,
): readonly RevocationRequest[] {
  const transaction = { kind: 'transaction', txn: txn ?? tokenId, holder } as const;
  return txn === tokenId ? [transaction] : [{ kind: 'token', tokenId, expiresAt, holder }, transaction];
}
