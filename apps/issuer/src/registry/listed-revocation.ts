import { isByTime, revokedOf, type Revocation } from '@countersign/auth-core';
import { type ListedRevocation } from '@countersign/revocation-feed';
import { type RevocationRow } from './revocations.tables.js';

/** Seconds for which an entry is kept beyond its time, for clocks that differ. */
export const MARGIN_SECONDS = 60;

const seconds = (time: Date): number => time.getTime() / 1_000;

/** The row as sent to validators. */
export function revocationOf({ kind, name, issuedBefore, mattersUntil }: RevocationRow): Revocation {
  const until = Math.ceil(seconds(mattersUntil));
  const revoked = revokedOf(kind, name);
  if (!isByTime(revoked)) return { ...revoked, until };
  return { ...revoked, issuedBefore: issuedBefore === null ? 0 : seconds(issuedBefore), until };
}

/** The row as it is listed. */
export function listedOf(row: RevocationRow): ListedRevocation {
  return {
    revocation: revocationOf(row),
    number: row.changedIn,
    holder: row.clientId ?? undefined,
    replaces: row.replaces ?? undefined,
  };
}
