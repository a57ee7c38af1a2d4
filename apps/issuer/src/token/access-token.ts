import { sign } from 'node:crypto';
import { derToRaw } from './ecdsa-signature.js';
import { type SigningKeys } from '../signing-keys/signing-key.js';

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
  readonly roles?: readonly string[];
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs an access token: `typ: at+jwt`, ES256, the active key's `kid`. */
export function signAccessToken(claims: AccessTokenClaims, { kid, alg, key }: SigningKeys['active']): string {
  const input = `${encode({ typ: 'at+jwt', alg, kid })}.${encode(claims)}`;
  return `${input}.${derToRaw(sign('sha256', Buffer.from(input), key)).toString('base64url')}`;
}
