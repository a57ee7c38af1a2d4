/** Every reason for which a request is refused, stable for logs, metrics and tests. */
export type TokenErrorCode =
  | 'TOKEN_MISSING'
  | 'TOKEN_TOO_LARGE'
  | 'TOKEN_MALFORMED'
  | 'ALG_NOT_ALLOWED'
  | 'TYP_NOT_ALLOWED'
  | 'CRIT_NOT_SUPPORTED'
  | 'KEY_UNKNOWN'
  | 'KEY_MISMATCH'
  | 'SIGNATURE_INVALID'
  | 'ISSUER_MISMATCH'
  | 'AUDIENCE_MISMATCH'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_NOT_YET_VALID'
  | 'CLAIM_MISSING'
  | 'CLAIM_INVALID'
  | 'TOKEN_REVOKED'
  | 'DPOP_PROOF_MISSING'
  | 'DPOP_PROOF_INVALID'
  | 'DPOP_PROOF_REPLAYED'
  | 'SCOPE_MISSING'
  | 'KEYS_UNAVAILABLE'
  | 'REVOCATIONS_UNAVAILABLE';

/** What the caller is told; it names the fault and no value. */
const descriptions: Readonly<Record<TokenErrorCode, string>> = {
  TOKEN_MISSING: 'an access token is required',
  TOKEN_TOO_LARGE: 'the access token is too large',
  TOKEN_MALFORMED: 'the access token is malformed',
  ALG_NOT_ALLOWED: 'the signature algorithm is not accepted',
  TYP_NOT_ALLOWED: 'the token is not an access token',
  CRIT_NOT_SUPPORTED: 'the token has a critical header that is not understood',
  KEY_UNKNOWN: 'the signing key is not known',
  KEY_MISMATCH: 'the signing key does not fit the algorithm',
  SIGNATURE_INVALID: 'the signature does not verify',
  ISSUER_MISMATCH: 'the token is from another issuer',
  AUDIENCE_MISMATCH: 'the token is for another audience',
  TOKEN_EXPIRED: 'the token has expired',
  TOKEN_NOT_YET_VALID: 'the token is not valid yet',
  CLAIM_MISSING: 'a required claim is missing',
  CLAIM_INVALID: 'a claim has a wrong type or value',
  TOKEN_REVOKED: 'the token was revoked',
  DPOP_PROOF_MISSING: 'the access token is bound to a key: a DPoP proof must come with it',
  DPOP_PROOF_INVALID: 'the DPoP proof is not valid for this request and token',
  DPOP_PROOF_REPLAYED: 'the DPoP proof was used before',
  SCOPE_MISSING: 'the token does not carry the required scope',
  KEYS_UNAVAILABLE: 'the keys of the issuer are not available',
  REVOCATIONS_UNAVAILABLE: 'it is not known which tokens are revoked',
};

const notTheCallersFault: ReadonlySet<TokenErrorCode> = new Set(['KEYS_UNAVAILABLE', 'REVOCATIONS_UNAVAILABLE']);

const FACT_LIMIT = 200;

/** One line, whatever came: a log must not be written by a caller. */
function factOf(fact: unknown): string | undefined {
  if (typeof fact !== 'string' && typeof fact !== 'number') return undefined;
  return String(fact)
    .slice(0, FACT_LIMIT)
    .replace(/[^\x20-\x7e]/g, '?');
}

/** A refused token. `code` is for machines; `message` may be shown to the caller (it tells no secret). */
export class TokenError extends Error {
  /** HTTP status: 401 for the token's fault, 403 for a missing scope, 503 when the keys or the revocations are away (RFC 6750, section 3.1). */
  readonly status: 401 | 403 | 503;

  /** What would have been accepted, for logs: names, algorithms, times in seconds. Shown to nobody. */
  readonly expected: string | undefined;
  /** What came instead, for logs: it is the caller's text, made harmless and cut to 200 characters. Never a token, key or signature. */
  readonly actual: string | undefined;

  /**
   * @param code why
   * @param detail which claim, header member or scope, for logs; shown to nobody
   * @param facts what was expected and what came, for logs; shown to nobody
   */
  constructor(
    readonly code: TokenErrorCode,
    readonly detail?: string,
    facts: { readonly expected?: unknown; readonly actual?: unknown } = {},
  ) {
    super(descriptions[code]);
    this.expected = factOf(facts.expected);
    this.actual = factOf(facts.actual);
    this.name = 'TokenError';
    this.status = code === 'SCOPE_MISSING' ? 403 : notTheCallersFault.has(code) ? 503 : 401;
  }

  /**
   * The `WWW-Authenticate` challenge (RFC 6750, section 3; for a sender-constrained token RFC 9449, section 7.1).
   * @param realm the protection space, usually the service's name
   * @param scopes scopes that the route needs, for `insufficient_scope`
   * @returns nothing for a 503: it is not the caller's fault
   */
  wwwAuthenticate(realm: string, scopes: readonly string[] = []): string | undefined {
    if (this.status === 503) return undefined;
    if (this.code.startsWith('DPOP_')) {
      const error = this.code === 'DPOP_PROOF_MISSING' ? 'invalid_token' : 'invalid_dpop_proof';
      return `DPoP realm="${realm}", error="${error}", error_description="${this.message}", algs="ES256 EdDSA RS256 PS256"`;
    }
    const bearer = `Bearer realm="${realm}"`;
    if (this.code === 'TOKEN_MISSING') return bearer;
    if (this.status === 403) {
      return `${bearer}, error="insufficient_scope", error_description="${this.message}", scope="${scopes.join(' ')}"`;
    }
    return `${bearer}, error="invalid_token", error_description="${this.message}"`;
  }
}
