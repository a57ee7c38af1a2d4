import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicClock } from '../clock.js';
import { createDpopProof } from '../dpop/create-dpop-proof.js';
import { endpointOf, protectedUrl } from '../endpoint.js';
import { isObject } from '../json-object.js';
import { type PrivateJwk } from '../keys/jwk.js';
import { CLIENT_ASSERTION_TYPE, signClientAssertion } from './client-assertion.js';
import { TokenCache } from './token-cache.js';
import { TokenPauses } from './token-pauses.js';
import { requestToken, TokenRequestError, type AccessToken } from './token-request.js';

export interface TokenClientOptions {
  /** The issuer identifier. */
  readonly issuer: string;
  readonly clientId: string;
  /** The client's private key; it signs the assertions (`private_key_jwt`). */
  readonly key: PrivateJwk;
  /** The key that tokens are bound to (DPoP, RFC 9449): give the same to {@link authorizationHeaders}. Bearer tokens when left out. */
  readonly dpopKey?: PrivateJwk;
  /** The issuer's `/oauth2/token` by default. */
  readonly tokenEndpoint?: string;
  /** Allows assertions and tokens to be sent over plain http beyond this machine's loopback address; false by default. */
  readonly allowPlainHttp?: boolean;
  /** Milliseconds that one request may take; 5,000 by default. */
  readonly timeoutMs?: number;
  /** Retries after a temporary failure; 2 by default. */
  readonly retries?: number;
  /**
   * Maximum milliseconds between two tries when the issuer asks for a wait (`Retry-After`); 10,000 by default. If it asks for more, every request
   * fails immediately with the issuer's error until that time.
   */
  readonly maxWaitMs?: number;
  /** Maximum tokens kept; 1,000 by default. */
  readonly cacheSize?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds of a monotonic clock, for durations; `performance.now` by default. */
  readonly monotonic?: () => number;
  /** Waits the given number of milliseconds; a timer by default. */
  readonly wait?: (ms: number) => Promise<void>;
  /** 0 to 1, for jitter; `Math.random` by default. */
  readonly random?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

/** What to request: one audience, and only the scopes that the call at hand needs. */
export interface TokenRequest {
  readonly audience: string;
  readonly scopes: readonly string[];
  /** W3C Trace Context of the work at hand, sent along when a token is requested. */
  readonly traceparent?: string;
}

/** What is exchanged (RFC 8693, section 3): an ID token or a JWT must come from an issuer that ours trusts for it. */
export type SubjectTokenType = 'access_token' | 'id_token' | 'jwt';

export interface ExchangeRequest extends TokenRequest {
  readonly subjectToken: string;
  /** `access_token` by default. */
  readonly subjectTokenType?: SubjectTokenType;
}

/**
 * Gets tokens and caches them, per audience, scopes and subject token. A token in the last fifth of its life is handed out while the next is
 * requested in the background; concurrent calls for the same token share one request; an exchanged one is not used beyond the expiry of its subject
 * token.
 *
 * After a failure or refusal there is a pause in which requests fail with the same error; it grows with each further failure and is never shorter
 * than `Retry-After`. Then one request tries. A refusal of one request (`invalid_scope`) concerns only that request.
 */
export interface TokenClient {
  /** `client_credentials` (RFC 6749, section 4.4). @throws {TokenRequestError} */
  getToken(requested: TokenRequest): Promise<AccessToken>;
  /** Token exchange (RFC 8693): the new token acts for the subject of `subjectToken`. @throws {TokenRequestError} */
  exchange(requested: ExchangeRequest): Promise<AccessToken>;
  /**
   * Drops a token that a service refused as `invalid_token` before its time, so that the next request asks the issuer: the token, its client or its
   * key may have been revoked.
   * @returns whether requesting another makes sense; false for a token that is only seconds old
   */
  forget(token: AccessToken): boolean;
}

/** A token's own expiry, unverified, which is enough to stop using it. @returns seconds since 1970 */
function endOf(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return isObject(claims) && typeof claims['exp'] === 'number' ? claims['exp'] : Infinity;
  } catch {
    return Infinity;
  }
}

/** Calls the token endpoint, with a new assertion and proof for every try. */
export class TokenEndpoint {
  readonly #url: string;
  readonly #now: () => number;
  #nonce: string | undefined;

  constructor(
    private readonly options: TokenClientOptions,
    private readonly pauses: Pick<TokenPauses, 'ask' | 'isShort'>,
  ) {
    this.#url = protectedUrl(
      options.tokenEndpoint ?? endpointOf(options.issuer, '/oauth2/token'),
      options.allowPlainHttp,
    );
    this.#now = options.now ?? Date.now;
  }

  async ask(form: Readonly<Record<string, string>>, traceparent: string | undefined): Promise<AccessToken> {
    const { retries = 2, dpopKey } = this.options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await this.pauses.ask(() => this.#askOnce(form, traceparent));
        if ((answer.tokenType === 'DPoP') !== (dpopKey !== undefined)) {
          throw new TokenRequestError('ANSWER_INVALID', 'the token is not of the kind that was asked for', 200, false);
        }
        return answer;
      } catch (error) {
        if (!(error instanceof TokenRequestError) || attempt >= retries) throw error;
        if (this.#learnedNonce(error)) continue;
        if (!error.retryable || !this.pauses.isShort) throw error;
      }
    }
  }

  async #askOnce(form: Readonly<Record<string, string>>, traceparent: string | undefined): Promise<AccessToken> {
    const {
      clientId,
      issuer,
      key,
      dpopKey,
      timeoutMs = 5_000,
      fetch: send = (...request) => fetch(...request),
    } = this.options;
    const now = this.#now;
    const proof =
      dpopKey === undefined
        ? {}
        : { dpop: createDpopProof({ key: dpopKey, method: 'POST', url: this.#url, nonce: this.#nonce, now }) };
    return requestToken({
      endpoint: this.#url,
      headers: { ...(traceparent === undefined ? {} : { traceparent }), ...proof },
      timeoutMs,
      now,
      fetch: send,
      form: {
        ...form,
        client_assertion_type: CLIENT_ASSERTION_TYPE,
        client_assertion: await signClientAssertion({ clientId, audience: issuer, key, now }),
      },
    });
  }

  /** The issuer requires its nonce in the proof (RFC 9449, section 8): the next try includes it. */
  #learnedNonce({ code, dpopNonce }: TokenRequestError): boolean {
    if (code !== 'use_dpop_nonce' || dpopNonce === undefined || dpopNonce === this.#nonce) return false;
    this.#nonce = dpopNonce;
    return true;
  }
}

/**
 * @returns a client of the issuer's token endpoint
 * @throws {TypeError} for an endpoint of plain http beyond this machine, without `allowPlainHttp`
 */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const {
    now = Date.now,
    monotonic = monotonicClock,
    random = Math.random,
    wait = (ms) => delay(ms),
    cacheSize: limit = 1_000,
    maxWaitMs = 10_000,
  } = options;
  const pauses = new TokenPauses({ monotonic, random, wait, maxWaitMs }, limit);
  const endpoint = new TokenEndpoint(options, pauses);
  const cache = new TokenCache({ limit, now, monotonic, random });
  const scopeOf = (scopes: readonly string[]): string => [...new Set(scopes)].sort().join(' ');
  return {
    getToken: ({ audience, scopes, traceparent }) => {
      const scope = scopeOf(scopes);
      const name = `${audience} ${scope}`;
      return cache.get({
        name,
        notAfter: Infinity,
        request: () =>
          pauses.request(name, () => endpoint.ask({ grant_type: 'client_credentials', audience, scope }, traceparent)),
      });
    },
    exchange: ({ subjectToken, subjectTokenType = 'access_token', audience, scopes, traceparent }) => {
      const scope = scopeOf(scopes);
      const form = {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: `urn:ietf:params:oauth:token-type:${subjectTokenType}`,
        audience,
        scope,
      };
      const subject = createHash('sha256').update(`${subjectTokenType} ${subjectToken}`).digest('base64url');
      const name = `${subject} ${audience} ${scope}`;
      return cache.get({
        name,
        notAfter: endOf(subjectToken),
        request: () => pauses.request(name, () => endpoint.ask(form, traceparent)),
      });
    },
    forget: (token) => cache.forget(token),
  };
}

export interface AuthorizedRequest {
  readonly method: string;
  readonly url: string;
  /** The key that the token is bound to; needed for a `DPoP` token. */
  readonly dpopKey?: PrivateJwk | undefined;
  /** The last `DPoP-Nonce` received from the service. */
  readonly nonce?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/**
 * The headers with which a token is sent (RFC 6750, section 2.1; RFC 9449, section 7.1). Create new ones for every try: a proof works once.
 * @throws {TypeError} for a bound token without its key
 */
export function authorizationHeaders(token: AccessToken, request: AuthorizedRequest): Readonly<Record<string, string>> {
  if (token.tokenType === 'Bearer') return { authorization: `Bearer ${token.token}` };
  const { dpopKey, method, url, nonce, now = Date.now } = request;
  if (dpopKey === undefined) throw new TypeError('the token is bound to a key: dpopKey is needed');
  const dpop = createDpopProof({ key: dpopKey, method, url, accessToken: token.token, nonce, now });
  return { authorization: `DPoP ${token.token}`, dpop };
}
