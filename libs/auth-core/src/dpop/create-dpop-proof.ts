import { createHash, randomUUID } from 'node:crypto';
import { signJwt } from '../jws/sign.js';
import { dpopJwkOf, type PrivateJwk } from '../keys/jwk.js';

/** What a proof is made for (RFC 9449, section 4.2). */
export interface DpopProofOptions {
  /** The client's own key; the token is bound to its RFC 7638 thumbprint. */
  readonly key: PrivateJwk;
  /** The method of the request that the proof accompanies: `POST`. Case does not matter: `fetch` sends `get` as `GET`, and so does the proof. */
  readonly method: string;
  /** The URL of that request; its query and fragment are ignored. */
  readonly url: string;
  /** The token that is sent with the proof; omitted at the token endpoint. */
  readonly accessToken?: string | undefined;
  /** The last `DPoP-Nonce` received from the server (RFC 9449, section 8). */
  readonly nonce?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The `ath` of a token (RFC 9449, section 4.2): base64url of its SHA-256. */
export function accessTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/**
 * Creates a proof that the sender holds a key (DPoP, RFC 9449, section 4.2): the value of the `DPoP` header for one request. Each proof works once,
 * so create one for every try.
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
