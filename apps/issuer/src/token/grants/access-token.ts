import { jwtSigner, type LocalSigner, type TokenSigner, ACCESS_TOKEN_TYP } from '@countersign/auth-core';

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
  /** Who the subject is. */
  readonly kind?: 'service' | 'application' | 'person';
  /** When the person last signed in, and how (OpenID Connect Core, section 2; RFC 9068, section 2.2.1). */
  readonly auth_time?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
  /** The API key that the first token was exchanged for: id, name, networks, limits. Never the key. */
  readonly api_key?: Readonly<Record<string, unknown>>;
}

type Sign = (claims: AccessTokenClaims) => string | Promise<string>;
const signs = new WeakMap<TokenSigner, Sign>();

/**
 * Signs an access token: `typ: at+jwt`, the signer's `alg` and `kid`.
 * @returns the token synchronously from a local key, later from a KMS
 */
export function signAccessToken(claims: AccessTokenClaims, signer: LocalSigner): string;
export function signAccessToken(claims: AccessTokenClaims, signer: TokenSigner): string | Promise<string>;
export function signAccessToken(claims: AccessTokenClaims, signer: TokenSigner): string | Promise<string> {
  let sign = signs.get(signer);
  if (sign === undefined) signs.set(signer, (sign = jwtSigner({ typ: ACCESS_TOKEN_TYP, kid: signer.kid }, signer)));
  return sign(claims);
}
