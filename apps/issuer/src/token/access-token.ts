import { jwtSigner, type PrivateJwk } from '@countersign/auth-core';

export interface ActorClaim {
  readonly sub: string;
  readonly act?: ActorClaim;
}

/** The claims of an access token (RFC 9068, section 2.2; RFC 8693, section 4.1; `txn`: RFC 8417). Times in seconds. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly iat: number;
  readonly jti: string;
  readonly client_id: string;
  readonly scope: string;
  readonly txn: string;
  readonly act?: ActorClaim;
  /** The key that the token is bound to (RFC 9449, section 6.1). */
  readonly cnf?: { readonly jkt: string };
  readonly roles?: readonly string[];
}

const signers = new WeakMap<PrivateJwk, (claims: AccessTokenClaims) => string>();

/** Signs an access token: `typ: at+jwt`, the active key's `alg` and `kid`. */
export function signAccessToken(claims: AccessTokenClaims, key: PrivateJwk): string {
  let sign = signers.get(key);
  if (sign === undefined) signers.set(key, (sign = jwtSigner({ typ: 'at+jwt', kid: key.kid }, key)));
  return sign(claims);
}
