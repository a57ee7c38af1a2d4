import { createDpopProof } from '../dpop/create-dpop-proof.js';
import { endpointOf, protectedUrl } from '../endpoint.js';
import { isObject } from '../json-object.js';
import { type TokenSigner } from '../jws/sign.js';
import { type PrivateJwk } from '../keys/jwk.js';
import { CLIENT_ASSERTION_TYPE } from '../oauth.js';
import { checkNumber, checkText, checkUrl } from '../option-checks.js';
import { signClientAssertion } from './client-assertion.js';
import { type TokenPauses } from './token-pauses.js';
import { requestToken, TokenRequestError, type AccessToken } from './token-request.js';

/** The issuer, and the client that asks it for tokens. */
export interface TokenClientOptions {
  /** The issuer identifier. */
  readonly issuer: string;
  readonly clientId: string;
  /** The client's private key, which signs the assertions (`private_key_jwt`), or a service that signs with it (a KMS). */
  readonly key: PrivateJwk | TokenSigner;
  /** The key that tokens are bound to (DPoP, RFC 9449): give the same to {@link authorizationHeaders}. Bearer tokens when omitted. */
  readonly dpopKey?: PrivateJwk | undefined;
  /** The issuer's `/oauth2/token` by default. */
  readonly tokenEndpoint?: string | undefined;
  /** Allows assertions and tokens to be sent over plain http beyond this machine's loopback address; false by default. */
  readonly allowPlainHttp?: boolean | undefined;
  /** Milliseconds that one request may take; 5,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Retries after a temporary failure; 2 by default. */
  readonly retries?: number | undefined;
  /**
   * Maximum milliseconds between two tries when the issuer asks for a wait (`Retry-After`); 10,000 by default. If it asks for more, every request
   * fails immediately with the issuer's error until that time.
   */
  readonly maxWaitMs?: number | undefined;
  /** Maximum tokens kept; 1,000 by default. */
  readonly cacheSize?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds of a monotonic clock, for durations; `performance.now` by default. */
  readonly monotonic?: (() => number) | undefined;
  /** Waits the given number of milliseconds; a timer by default. */
  readonly wait?: ((ms: number) => Promise<void>) | undefined;
  /** 0 to 1, for jitter; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** @throws {TypeError} or {RangeError} naming the option, never with the key */
function checkClientOptions(options: TokenClientOptions): void {
  const { issuer, tokenEndpoint, clientId } = options;
  if (tokenEndpoint === undefined) checkUrl('issuer', issuer);
  else {
    checkText('issuer', issuer);
    checkUrl('tokenEndpoint', tokenEndpoint);
  }
  checkText('clientId', clientId);
  const key: unknown = options.key;
  const isKey = isObject(key) && ['kty', 'd', 'alg'].every((member) => typeof key[member] === 'string');
  if (!isKey && !(isObject(key) && typeof key['sign'] === 'function' && typeof key['alg'] === 'string'))
    throw new TypeError('key must be a private JWK, as an object with kty, d and alg, or a signer with alg and sign');
  for (const name of ['retries', 'maxWaitMs', 'cacheSize'] as const) checkNumber(name, options[name]);
  checkNumber('timeoutMs', options.timeoutMs, 1);
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
    checkClientOptions(options);
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
          throw new TokenRequestError(
            'ANSWER_INVALID',
            'the issuer sent a token of a different type than requested',
            200,
            false,
          );
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
