import { type AccessTokenClaims } from './access-token.js';

/** What a granted token says besides whom it is about. */
export interface TokenParameters {
  readonly issuer: string;
  readonly clientId: string;
  /** What the client is, where it acts for itself; a service by default. */
  readonly kind?: 'service' | 'application';
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly tokenId: string;
  /** Seconds. */
  readonly issuedAt: number;
  /** Seconds. */
  readonly lifetime: number;
  /** Thumbprint of the key that the token is bound to; undefined for a bearer token. */
  readonly boundTo?: string | undefined;
}

/** The claims of a token with which a client acts for itself: it is its own subject, and begins a new `txn`. */
export function claimsForClient(parameters: TokenParameters): AccessTokenClaims {
  const { issuer, clientId, kind = 'service', audience, scopes, tokenId, issuedAt, lifetime, boundTo } = parameters;
  return {
    iss: issuer,
    sub: clientId,
    kind,
    aud: audience,
    exp: issuedAt + lifetime,
    iat: issuedAt,
    jti: tokenId,
    client_id: clientId,
    scope: scopes.join(' '),
    txn: tokenId,
    ...(boundTo === undefined ? {} : { cnf: { jkt: boundTo } }),
  };
}
