/** A reason for a refusal: its status, what the caller sees (the fault, without values), and when it occurs. */
export interface TokenErrorReason {
  readonly status: 400 | 401 | 403 | 429 | 503;
  readonly message: string;
  readonly when: string;
}

/** Every reason for which a request is refused, with a code that is stable for logs, metrics and tests. In the order of the checks. */
export const tokenErrorReasons = {
  TOKEN_MISSING: {
    status: 401,
    message: 'an access token is required',
    when: 'No `Authorization` header, or a scheme other than `Bearer` or `DPoP`.',
  },
  SESSION_ENDED: {
    status: 401,
    message: 'the session has ended; sign in again',
    when: 'One of the service’s own pages sent a session cookie, but there is no such session, or it has ended.',
  },
  API_KEY_IN_URL: {
    status: 400,
    message: 'an API key must not be sent in a URL; this one is now exposed, so rotate it',
    when: 'An API key is in the path or the query. It is marked as exposed.',
  },
  API_KEY_INVALID: {
    status: 401,
    message: 'the API key is not accepted',
    when: 'Mistyped, unknown, expired, disabled, revoked, or for another service; the detail says which, if this service knows.',
  },
  API_KEY_NETWORK: {
    status: 403,
    message: 'the API key may not be used from this network',
    when: 'The key is limited to certain networks, and the caller is outside them.',
  },
  TOKEN_TOO_LARGE: {
    status: 401,
    message: 'the access token is too large',
    when: 'More than 8 KiB.',
  },
  TOKEN_MALFORMED: {
    status: 401,
    message: 'the access token is malformed',
    when: 'Not three segments of strict base64url, not JSON in UTF-8, not an object, or a repeated member name.',
  },
  ALG_NOT_ALLOWED: {
    status: 401,
    message: 'the signature algorithm is not accepted',
    when: '`alg` is not one that the verifier accepts.',
  },
  TYP_NOT_ALLOWED: {
    status: 401,
    message: 'the token is not an access token',
    when: '`typ` is not `at+jwt`: an ID token, a client assertion, a logout token. With a profile a claim may show this; the detail names it.',
  },
  CRIT_NOT_SUPPORTED: {
    status: 401,
    message: 'the token has a critical header that is not understood',
    when: 'There is a `crit`; no extension is supported.',
  },
  KEY_UNKNOWN: {
    status: 401,
    message: 'the signing key is not known',
    when: 'The issuer does not publish a key with this `kid`, even after a refresh; or there is no `kid`, which only other profiles allow.',
  },
  KEY_MISMATCH: {
    status: 401,
    message: 'the signing key does not match the algorithm',
    when: 'No key with this `kid` is for this `alg`.',
  },
  SIGNATURE_INVALID: {
    status: 401,
    message: 'the signature does not verify',
    when: 'Forged, changed in transit, or signed by another key.',
  },
  ISSUER_MISMATCH: {
    status: 401,
    message: 'the token is from another issuer',
    when: '`iss` is not exactly this verifier’s issuer.',
  },
  AUDIENCE_MISMATCH: {
    status: 401,
    message: 'the token is for another audience',
    when: '`aud` is not this service.',
  },
  TOKEN_EXPIRED: {
    status: 401,
    message: 'the token has expired',
    when: '`exp` has passed, by more than the tolerance.',
  },
  TOKEN_NOT_YET_VALID: {
    status: 401,
    message: 'the token is not valid yet',
    when: '`nbf` or `iat` is ahead, by more than the tolerance.',
  },
  CLAIM_MISSING: {
    status: 401,
    message: 'a required claim is missing',
    when: 'One of `iss`, `aud`, `exp`, `iat`, `jti`, `sub`, `client_id`, `scope`; the detail names it.',
  },
  CLAIM_INVALID: {
    status: 401,
    message: 'a claim has a wrong type or value',
    when: 'Wrong type, too long, out of range, or `cnf` of an unknown kind; the detail names it.',
  },
  TOKEN_REVOKED: {
    status: 401,
    message: 'the token was revoked',
    when: 'The token, its client, its subject or its key was revoked.',
  },
  DPOP_PROOF_MISSING: {
    status: 401,
    message: 'the access token is bound to a key: a DPoP proof must be sent with it',
    when: 'A sender-constrained token was sent as a bearer token.',
  },
  DPOP_PROOF_INVALID: {
    status: 401,
    message: 'the DPoP proof is not valid for this request and token',
    when: 'The proof’s form, `htm`, `htu`, age, `ath`, key or signature is wrong; the detail names it.',
  },
  DPOP_NONCE_REQUIRED: {
    status: 401,
    message: 'the DPoP proof must carry the nonce from this response',
    when: 'Nonces are required, and the proof has none or an old one; `DPoP-Nonce` holds the one to use.',
  },
  DPOP_PROOF_REPLAYED: {
    status: 401,
    message: 'the DPoP proof was used before',
    when: 'A proof works once.',
  },
  CERTIFICATE_MISMATCH: {
    status: 401,
    message: 'the access token is bound to a certificate that this connection does not have',
    when: 'A token that is bound to a certificate (`cnf` with `x5t#S256`, RFC 8705) was sent without that certificate, or to a service that does not check certificates.',
  },
  SCOPE_MISSING: {
    status: 403,
    message: 'the token does not carry the required scope',
    when: 'The token is valid, but lacks a scope of the route; the detail names it.',
  },
  API_KEY_NOT_ALLOWED: {
    status: 403,
    message: 'this route accepts no API keys; use an access token',
    when: 'The caller sent an API key, and the route does not have `@AllowApiKey()`.',
  },
  RATE_LIMITED: {
    status: 429,
    message: 'the API key is over its rate limit; retry after the seconds in Retry-After',
    when: 'More requests per minute, or in a burst, than the key’s plan allows.',
  },
  QUOTA_EXHAUSTED: {
    status: 429,
    message: 'the quota of the API key is used up; retry after the seconds in Retry-After',
    when: 'More requests in a day or a month than the key’s plan allows.',
  },
  API_KEYS_GUESSED: {
    status: 429,
    message: 'too many API keys from your network were invalid; retry after the seconds in Retry-After',
    when: 'A network sent many invalid keys. Known keys are still served.',
  },
  API_KEYS_UNAVAILABLE: {
    status: 503,
    message: 'the API key cannot be verified right now',
    when: 'The service does not know the key, and the issuer is down or overloaded. Not the caller’s fault.',
  },
  PERSON_REQUIRED: {
    status: 403,
    message: 'only a person may do this, directly or through an application',
    when: 'The token is valid, but belongs to a service or an application, not to a person.',
  },
  LOGIN_NOT_RECENT: {
    status: 401,
    message: 'the person must sign in again for this',
    when: 'The person signed in longer ago than the route allows (the challenge’s `max_age`), or the token does not say when.',
  },
  LOGIN_TOO_WEAK: {
    status: 401,
    message: 'the person must sign in with a stronger method for this',
    when: 'The sign-in has none of the `acr_values` that the route requires.',
  },
  KEYS_UNAVAILABLE: {
    status: 503,
    message: 'the issuer’s keys are not available',
    when: 'They were never loaded, or are older than the outage limit. Not the caller’s fault.',
  },
  REVOCATIONS_UNAVAILABLE: {
    status: 503,
    message: 'the revocation list is not available',
    when: 'The revocation feed was lost for longer than the policy accepts. Not the caller’s fault.',
  },
} as const satisfies Readonly<Record<string, TokenErrorReason>>;

/** The stable code of a refusal; docs/token-errors.md explains each. */
export type TokenErrorCode = keyof typeof tokenErrorReasons;
