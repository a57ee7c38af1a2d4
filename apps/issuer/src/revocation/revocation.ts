import { bucketKeyOf, type Revocation } from '@countersign/revocation-feed';
import { TOKEN_LIFETIME_LIMIT } from '../clients/client.js';

/** Seconds for which an entry is kept beyond its time, for clocks that differ. */
export const MARGIN_SECONDS = 60;
/**
 * Seconds for which a revoked key is refused. Who holds a stolen key can write any `exp`, so this is not a token's life: it is far longer
 * than any validator may go on with keys that it fetched before (a day by default).
 */
export const KEY_REVOCATION_SECONDS = 30 * 24 * 3_600;

/** @param now seconds. @param expiresAt the token's `exp`, where it is known: no token lives longer than the limit */
export function tokenRevocation(tokenId: string, expiresAt: number | undefined, now: number): Revocation {
  const latest = now + TOKEN_LIFETIME_LIMIT;
  return { kind: 'token', tokenId, until: Math.min(expiresAt ?? latest, latest) };
}

/** Tokens issued until then expire a token's longest life later, and the entry with them. @param issuedBefore seconds */
export function clientRevocation(clientId: string, issuedBefore: number): Revocation {
  return { kind: 'client', clientId, issuedBefore, until: issuedBefore + TOKEN_LIFETIME_LIMIT };
}

/** As {@link clientRevocation}, for whom the tokens are about. @param issuedBefore seconds */
export function subjectRevocation(subject: string, issuedBefore: number): Revocation {
  return { kind: 'subject', subject, issuedBefore, until: issuedBefore + TOKEN_LIFETIME_LIMIT };
}

/** @param now seconds */
export function keyRevocation(keyId: string, now: number): Revocation {
  return { kind: 'key', keyId, until: now + KEY_REVOCATION_SECONDS };
}

/** What is revoked: a `jti`, a client, a subject or a `kid`. */
export function nameOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'token':
      return revocation.tokenId;
    case 'client':
      return revocation.clientId;
    case 'subject':
      return revocation.subject;
    case 'key':
      return revocation.keyId;
  }
}

/** What a token can be revoked by. */
export interface RevocableToken {
  readonly tokenId: string;
  readonly clientId: string;
  readonly subject: string;
  readonly keyId: string;
}

/** The keys of the entries that would refuse a token; those of client and subject only if it was issued before their time. */
export function keysAgainst({ tokenId, clientId, subject, keyId }: RevocableToken): readonly string[] {
  return [
    bucketKeyOf({ kind: 'token', tokenId, until: 0 }),
    bucketKeyOf({ kind: 'client', clientId, issuedBefore: 0, until: 0 }),
    bucketKeyOf({ kind: 'subject', subject, issuedBefore: 0, until: 0 }),
    bucketKeyOf({ kind: 'key', keyId, until: 0 }),
  ];
}
