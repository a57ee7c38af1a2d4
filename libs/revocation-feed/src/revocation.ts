import { revokedName, type Principal, type Revoked } from '@countersign/auth-core';

/** The form of the bucket's keys: a `jti`, `txn` or `kid` unchanged, a client or subject in base64url. */
const plainName = /^[A-Za-z0-9_-]{1,128}$/;

/** Whether a `jti`, `txn` or `kid` can be revoked: letters, digits, `_` and `-`, at most 128 of them. */
export function isRevocableId(id: string): boolean {
  return plainName.test(id);
}

/** The entry's key in the bucket: `token.<jti>`, `transaction.<txn>`, `client.<base64url>`, `subject.<base64url>`, `api-key.<id>`, `key.<kid>`. */
export function bucketKeyOf(revoked: Revoked): string {
  const name = revokedName(revoked);
  const isText = revoked.kind === 'client' || revoked.kind === 'subject';
  return `${revoked.kind}.${isText ? Buffer.from(name, 'utf8').toString('base64url') : name}`;
}

/**
 * The keys of all entries that could refuse a token: a store other than memory looks for these. Those of clients and
 * subjects refuse it only if it was issued before their time.
 * @param keyId the `kid` that signed it; omit it if keys are handled differently
 */
export function bucketKeysAgainst(principal: Principal, keyId?: string): ReadonlySet<string> {
  const { tokenId, txn, subject, clientId, actors, apiKey } = principal;
  const keys = [
    bucketKeyOf({ kind: 'token', tokenId }),
    bucketKeyOf({ kind: 'transaction', txn }),
    ...(keyId === undefined ? [] : [bucketKeyOf({ kind: 'key', keyId })]),
    bucketKeyOf({ kind: 'client', clientId }),
    ...(apiKey === undefined ? [] : [bucketKeyOf({ kind: 'api-key', apiKeyId: apiKey.id })]),
  ];
  for (const party of [{ subject }, ...actors]) {
    const clients = [party.subject, ...('clientId' in party && party.clientId !== undefined ? [party.clientId] : [])];
    keys.push(bucketKeyOf({ kind: 'subject', subject: party.subject }));
    keys.push(...clients.map((name) => bucketKeyOf({ kind: 'client', clientId: name })));
  }
  return new Set(keys);
}
