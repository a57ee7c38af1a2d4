import { isInstance } from './either-form.js';
import { tokenErrorReasons, type TokenErrorCode, type TokenErrorReason } from './token-error-reasons.js';

/** Seconds after which a caller may retry when keys or revocations are unavailable. */
const RETRY_AFTER_SECONDS = 2;
const FACT_LIMIT = 200;

/** Their names in the challenge (RFC 9449, sections 7.1 and 9). */
const dpopErrors: ReadonlyMap<TokenErrorCode, string> = new Map([
  ['DPOP_PROOF_MISSING', 'invalid_token'],
  ['DPOP_NONCE_REQUIRED', 'use_dpop_nonce'],
]);

/** How a person must sign in again (RFC 9470, section 3). */
export interface LoginWanted {
  /** Seconds. */
  readonly maxAge: number;
  readonly acrValues?: readonly string[] | undefined;
}

/** Reduced to one line, so that a caller cannot forge log entries. */
function factOf(fact: unknown): string | undefined {
  if (typeof fact !== 'string' && typeof fact !== 'number') return undefined;
  return String(fact)
    .slice(0, FACT_LIMIT)
    .replace(/[^\x20-\x7e]/g, '?');
}

const MARK = Symbol.for('countersign.token-error');

/** A refused token. `code` is for machines; `message` may be shown to the caller (it reveals no secret). */
export class TokenError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, TokenError, MARK);
  }

  /**
   * HTTP status: 401 for an invalid token, 403 for a missing right, 429 over a limit, 503 when keys or revocations are unavailable (RFC 6750, section
   * 3.1).
   */
  readonly status: TokenErrorReason['status'];

  /** What would have been accepted, for logs only: names, algorithms, times in seconds. */
  readonly expected: string | undefined;
  /** With `DPOP_NONCE_REQUIRED`, the value for `DPoP-Nonce` (RFC 9449, section 9). */
  readonly dpopNonce: string | undefined;
  /** With `LOGIN_NOT_RECENT` and `LOGIN_TOO_WEAK`, the sign-in that the challenge requires. */
  readonly login: LoginWanted | undefined;
  /** What was received instead, for logs only: the caller's text, sanitised and truncated to 200 characters. Never a token, key or signature. */
  readonly actual: string | undefined;

  /**
   * @param code the reason
   * @param detail which claim, header member or scope; for logs only
   * @param facts what was expected and received, for logs only; and the nonce for the response
   * @param message what the caller sees, if it is more than the code's own message
   */
  constructor(
    readonly code: TokenErrorCode,
    readonly detail?: string,
    facts: {
      readonly expected?: unknown;
      readonly actual?: unknown;
      readonly dpopNonce?: string;
      readonly login?: LoginWanted;
    } = {},
    message: string = tokenErrorReasons[code].message,
  ) {
    super(message);
    this.expected = factOf(facts.expected);
    this.actual = factOf(facts.actual);
    this.dpopNonce = facts.dpopNonce;
    this.login = facts.login;
    this.name = 'TokenError';
    this.status = tokenErrorReasons[code].status;
  }

  protected get [MARK](): true {
    return true;
  }

  /**
   * The `WWW-Authenticate` challenge (RFC 6750, section 3; for a sender-constrained token RFC 9449, section 7.1; for a sign-in RFC 9470, section 3).
   * @param realm the protection space, usually the service's name
   * @param scopes scopes that the route needs, for `insufficient_scope`
   * @returns undefined for a 503, which is not the caller's fault, for a 429, and if another kind of caller is required: no other token would help
   */
  wwwAuthenticate(realm: string, scopes: readonly string[] = []): string | undefined {
    if (this.status === 503 || this.status === 429 || this.code === 'PERSON_REQUIRED') return undefined;
    if (this.code.startsWith('DPOP_')) {
      const error = dpopErrors.get(this.code) ?? 'invalid_dpop_proof';
      return `DPoP realm="${realm}", error="${error}", error_description="${this.message}", algs="ES256 EdDSA RS256 PS256"`;
    }
    const bearer = `Bearer realm="${realm}"`;
    if (this.code === 'TOKEN_MISSING') return bearer;
    if (this.status === 400) return `${bearer}, error="invalid_request", error_description="${this.message}"`;
    if (this.login !== undefined) return `${bearer}, ${this.#loginChallenge(this.login)}`;
    if (this.status === 403) {
      return `${bearer}, error="insufficient_scope", error_description="${this.message}", scope="${scopes.join(' ')}"`;
    }
    return `${bearer}, error="invalid_token", error_description="${this.message}"`;
  }

  #loginChallenge({ maxAge, acrValues = [] }: LoginWanted): string {
    const acr = acrValues.length === 0 ? '' : `, acr_values="${acrValues.join(' ')}"`;
    return `error="insufficient_user_authentication", error_description="${this.message}", max_age="${String(maxAge)}"${acr}`;
  }

  /**
   * The headers of the response: `WWW-Authenticate` and possibly `DPoP-Nonce`, or `Retry-After` for a 503.
   * @param realm the protection space, usually the service's name
   * @param scopes scopes that the route needs; by default those in the error's facts
   */
  headers(realm: string, scopes: readonly string[] | undefined = this.expected?.split(' ')): Record<string, string> {
    const challenge = this.wwwAuthenticate(realm, scopes);
    if (this.status === 503 || this.status === 429) return { 'retry-after': String(RETRY_AFTER_SECONDS) };
    if (challenge === undefined) return {};
    const nonce = this.dpopNonce === undefined ? {} : { 'dpop-nonce': this.dpopNonce };
    return { 'www-authenticate': challenge, ...nonce };
  }
}
