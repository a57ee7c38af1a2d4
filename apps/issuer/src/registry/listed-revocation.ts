import { type Revocation } from '@countersign/auth-core';
import { type ListedRevocation } from '@countersign/revocation-feed';
import { type RevocationRow } from './revocations.tables.js';

/** Seconds for which an entry is kept beyond its time, for clocks that differ. */
export const MARGIN_SECONDS = 60;

const seconds = (time: Date): number => time.getTime() / 1_000;

/** The row as validators receive it. */
export function revocationOf({ kind, name, issuedBefore, mattersUntil }: RevocationRow): Revocation {
  const until = Math.ceil(seconds(mattersUntil));
  const before = issuedBefore === null ? 0 : seconds(issuedBefore);
  switch (kind) {
    case 'token':
      return { kind, tokenId: name, until };
    case 'transaction':
      return { kind, txn: name, until };
    case 'client':
      return { kind, clientId: name, issuedBefore: before, until };
    case 'subject':
      return { kind, subject: name, issuedBefore: before, until };
    case 'api-key':
      return { kind, apiKeyId: name, issuedBefore: before, until };
    case 'key':
      return { kind, keyId: name, until };
  }
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
