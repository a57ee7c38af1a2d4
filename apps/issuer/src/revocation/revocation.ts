import { type Revocation, type Revoked, type RevokedOf } from '@countersign/auth-core';
import { KEY_REVOCATION_LIMIT_SECONDS } from '@countersign/revocation-feed';
import { TOKEN_LIFETIME_LIMIT } from '../registry/client.js';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';

/** What is to be revoked. Times are seconds since 1970. */
export type RevocationRequest =
  /** `expiresAt`: the token's `exp`, where it is known; no token lives longer than the limit. `holder`: whose it is, where that is known. */
  | (RevokedOf<'token'> & { readonly expiresAt?: number | undefined; readonly holder?: string | undefined })
  | (RevokedOf<'transaction'> & { readonly holder?: string | undefined })
  /** `issuedBefore`: until now when left out. */
  | (RevokedOf<'client' | 'subject' | 'api-key'> & { readonly issuedBefore?: number | undefined })
  | RevokedOf<'key'>;

/** The kind of resource that events about it name. */
export function resourceKindOf(kind: Revoked['kind']): Exclude<Revoked['kind'], 'key'> | 'signing-key' {
  return kind === 'key' ? 'signing-key' : kind;
}

/** Why something is revoked. */
export interface RevocationCause {
  /** For people; at most 200 characters. */
  readonly reason?: string | undefined;
  /** The variable that caused it, where nobody asked for it: the declared file when it is applied, the room of the bucket when it fills. */
  readonly configuration?: 'CLIENTS_FILE' | 'REVOCATION_BUCKET_BYTES';
}

/** When it is revoked, by the one clock that all replicas share, the database's. */
export interface Moment {
  /** Seconds. */
  readonly now: number;
  /** Seconds; every token issued until now says an earlier time or this one, and every later token a later one. */
  readonly issuedUntil: number;
}

/** Whether a request names a time in the future, by more than clocks may differ. */
export function isInFuture(requested: RevocationRequest, { now }: Moment): boolean {
  return 'issuedBefore' in requested && (requested.issuedBefore ?? 0) > now + CLOCK_TOLERANCE_SECONDS;
}

/** What a replica issued until a time may say a time that much later. */
function issuedBeforeOf(requested: number | undefined, { issuedUntil }: Moment): number {
  return requested === undefined ? issuedUntil : Math.min(requested + CLOCK_TOLERANCE_SECONDS, issuedUntil);
}

/** The revocation that a request makes at a moment; it matters until the last token that it refuses has expired. */
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
      // Who holds a stolen key can write any `exp`, so this is not a token's life: it is far longer than any validator may continue with keys
      // that it fetched before (a day by default).
      return { kind: 'key', keyId: requested.keyId, until: Math.ceil(moment.now) + KEY_REVOCATION_LIMIT_SECONDS };
  }
}

/**
 * What takes a token and everything derived from it back: its transaction. A token that is not the first of its transaction is named by
 * itself too, so that it is refused even where the transaction is not its own.
 * @param holder the token's client, where that is known
 * @param txn the token's `txn`; the `jti` where it is not known, which is right for the first token of a transaction
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
