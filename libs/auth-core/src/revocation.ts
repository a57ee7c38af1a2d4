/** What is refused, by its kind and its name. */
export type Revoked =
  /** One token, by its `jti`. */
  | { readonly kind: 'token'; readonly tokenId: string }
  /** Everything with one `txn` (RFC 8417): the first token, and all tokens exchanged for it. */
  | { readonly kind: 'transaction'; readonly txn: string }
  /** Every token that names a client, as client, subject or actor in the chain, issued at or before a time. */
  | { readonly kind: 'client'; readonly clientId: string }
  /** Every token that names a subject, as subject or actor in the chain, issued at or before a time. */
  | { readonly kind: 'subject'; readonly subject: string }
  /** Every token that an API key was exchanged for, and all tokens exchanged for those, issued at or before a time. */
  | { readonly kind: 'api-key'; readonly apiKeyId: string }
  /** Everything signed by a key, by its `kid`. */
  | { readonly kind: 'key'; readonly keyId: string };

/** {@link Revoked} of some kinds. */
export type RevokedOf<Kind extends Revoked['kind']> = Extract<Revoked, { readonly kind: Kind }>;

/** Kinds that refuse what was issued until a time; the others refuse everything that they name. */
type KindByTime = 'client' | 'subject' | 'api-key';

/**
 * Tokens to refuse although their signatures are valid. Each revocation only adds a refusal and has an expiry, so the order of arrival does not
 * matter. Times are seconds since 1970, with milliseconds as a fraction.
 */
export type Revocation =
  | (RevokedOf<Exclude<Revoked['kind'], KindByTime>> & { readonly until: number })
  | (RevokedOf<KindByTime> & { readonly issuedBefore: number; readonly until: number });

/** Whether revocations of this kind refuse only what was issued at or before a time. */
export function isByTime<Named extends Pick<Revoked, 'kind'>>(
  named: Named,
): named is Extract<Named, { readonly kind: KindByTime }> {
  const { kind } = named;
  return kind === 'client' || kind === 'subject' || kind === 'api-key';
}

/** The value that a revocation names: a `jti`, a `txn`, a client, a subject, the id of an API key or a `kid`. */
export function revokedName(revoked: Revoked): string {
  switch (revoked.kind) {
    case 'token':
      return revoked.tokenId;
    case 'transaction':
      return revoked.txn;
    case 'client':
      return revoked.clientId;
    case 'subject':
      return revoked.subject;
    case 'api-key':
      return revoked.apiKeyId;
    case 'key':
      return revoked.keyId;
  }
}

/** The revocation for which {@link revokedName} returns this name. */
export function revokedOf(kind: Revoked['kind'], name: string): Revoked {
  switch (kind) {
    case 'token':
      return { kind, tokenId: name };
    case 'transaction':
      return { kind, txn: name };
    case 'client':
      return { kind, clientId: name };
    case 'subject':
      return { kind, subject: name };
    case 'api-key':
      return { kind, apiKeyId: name };
    case 'key':
      return { kind, keyId: name };
  }
}
