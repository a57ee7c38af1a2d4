import { createHash, randomUUID } from 'node:crypto';
import { signJwt } from '../jws/sign.js';
import { dpopJwkOf, type PrivateJwk } from '../keys/jwk.js';

export interface DpopProofOptions {
  /** The client's own key; the token is bound to its RFC 7638 thumbprint. */
  readonly key: PrivateJwk;
  /** The method of the request that the proof goes with: `POST`. In any case: `fetch` sends `get` as `GET`, and so does the proof say. */
  readonly method: string;
  /** The address of that request; its query and fragment are left out. */
  readonly url: string;
  /** The token that is sent with the proof; left out at the token endpoint. */
  readonly accessToken?: string | undefined;
  /** What the server last asked for in `DPoP-Nonce` (RFC 9449, section 8). */
  readonly nonce?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The `ath` of a token (RFC 9449, section 4.2): base64url of its SHA-256. */
export function accessTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/**
 * Makes a proof that the sender holds a key (DPoP, RFC 9449, section 4.2): the value of the `DPoP` header for one request.
 * Each proof works once, so make one for every try.
 */
export function createDpopProof({ key, method, url, accessToken, nonce, now = Date.now }: DpopProofOptions): string {
  const target = new URL(url);
  target.search = '';
  target.hash = '';
  return signJwt(
    { typ: 'dpop+jwt', jwk: dpopJwkOf(key) },
    {
      jti: randomUUID(),
      htm: method.toUpperCase(),
      htu: target.href,
      iat: Math.floor(now() / 1_000),
      ...(accessToken === undefined ? {} : { ath: accessTokenHash(accessToken) }),
      ...(nonce === undefined ? {} : { nonce }),
    },
    key,
  );
}
