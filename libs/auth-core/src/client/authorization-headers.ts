import { createDpopProof } from '../dpop/create-dpop-proof.js';
import { type PrivateJwk } from '../keys/jwk.js';
import { type AccessToken } from './token-request.js';

/** The request that a token is sent with. */
export interface AuthorizedRequest {
  readonly method: string;
  readonly url: string;
  /** The key that the token is bound to; needed for a `DPoP` token. */
  readonly dpopKey?: PrivateJwk | undefined;
  /** The last `DPoP-Nonce` received from the service. */
  readonly nonce?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

/**
 * The headers with which a token is sent (RFC 6750, section 2.1; RFC 9449, section 7.1). Create new ones for every try: a proof works once.
 * @throws {TypeError} for a bound token without its key
 */
export function authorizationHeaders(token: AccessToken, request: AuthorizedRequest): Readonly<Record<string, string>> {
  if (token.tokenType === 'Bearer') return { authorization: `Bearer ${token.token}` };
  const { dpopKey, method, url, nonce, now = Date.now } = request;
  if (dpopKey === undefined) throw new TypeError('the token is bound to a key: pass dpopKey');
  const dpop = createDpopProof({ key: dpopKey, method, url, accessToken: token.token, nonce, now });
  return { authorization: `DPoP ${token.token}`, dpop };
}
