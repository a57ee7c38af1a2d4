import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type PrivateJwk } from '../keys/jwk.js';
import { CLIENT_ASSERTION_TYPE, signClientAssertion } from './client-assertion.js';
import { requestToken, TokenRequestError, type AccessToken } from './token-request.js';

export interface TokenClientOptions {
  /** The issuer identifier. */
  readonly issuer: string;
  readonly clientId: string;
  /** The client's private key; it signs the assertions (`private_key_jwt`). */
  readonly key: PrivateJwk;
  /** The issuer's `/oauth2/token` by default. */
  readonly tokenEndpoint?: string;
  /** Milliseconds that one request may take; 5,000 by default. */
  readonly timeoutMs?: number;
  /** Further tries after a failure that may pass; 2 by default. */
  readonly retries?: number;
  /** Tokens kept at the most; 1,000 by default. */
  readonly cacheSize?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

/** What is asked for: one audience, and no more scopes than the call at hand needs. */
export interface TokenWish {
  readonly audience: string;
  readonly scopes: readonly string[];
  /** W3C Trace Context of the work at hand, sent along when a token has to be asked for. */
  readonly traceparent?: string;
}

/** Gets tokens and keeps them until shortly before they expire; concurrent wishes for the same token share one request. */
export interface TokenClient {
  /** `client_credentials` (RFC 6749, section 4.4). @throws {TokenRequestError} */
  getToken(wish: TokenWish): Promise<AccessToken>;
  /** Token exchange (RFC 8693): the answer acts for the subject of `subjectToken`. @throws {TokenRequestError} */
  exchange(wish: TokenWish & { readonly subjectToken: string }): Promise<AccessToken>;
}

/** Part of a token's life after which it is asked for anew. */
const REFRESH_AT = 0.8;

interface Kept {
  readonly answer: Promise<AccessToken>;
  refreshAt: number;
}

/** @returns a client of the issuer's token endpoint */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const { issuer, clientId, key, timeoutMs = 5_000, retries = 2, cacheSize = 1_000, now = Date.now } = options;
  const endpoint = options.tokenEndpoint ?? `${issuer}/oauth2/token`;
  const send = options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request));
  const kept = new Map<string, Kept>();

  async function request(form: Readonly<Record<string, string>>, traceparent?: string): Promise<AccessToken> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const assertion = await signClientAssertion({ clientId, audience: issuer, key, now });
        return await requestToken({
          endpoint,
          headers: traceparent === undefined ? {} : { traceparent },
          timeoutMs,
          now,
          fetch: send,
          form: { ...form, client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: assertion },
        });
      } catch (error) {
        if (!(error instanceof TokenRequestError) || !error.retryable || attempt >= retries) throw error;
        const pause = 100 * 2 ** attempt * (0.5 + Math.random());
        await delay(Math.min(Math.max(pause, (error.retryAfterSeconds ?? 0) * 1_000), 10_000));
      }
    }
  }

  function keep(name: string, form: Readonly<Record<string, string>>, traceparent?: string): Promise<AccessToken> {
    const before = kept.get(name);
    if (before !== undefined && before.refreshAt > now()) return before.answer;
    const entry: Kept = { answer: request(form, traceparent), refreshAt: Infinity };
    kept.delete(name);
    if (kept.size >= cacheSize) {
      const [oldest] = kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
    }
    kept.set(name, entry);
    entry.answer.then(
      ({ expiresAt }) => {
        const life = expiresAt * 1_000 - now();
        entry.refreshAt = now() + life * (REFRESH_AT - Math.random() * 0.1);
      },
      () => {
        if (kept.get(name) === entry) kept.delete(name);
      },
    );
    return entry.answer;
  }

  return {
    getToken: ({ audience, scopes, traceparent }) => {
      const scope = [...new Set(scopes)].sort().join(' ');
      return keep(`${audience} ${scope}`, { grant_type: 'client_credentials', audience, scope }, traceparent);
    },
    exchange: ({ subjectToken, audience, scopes, traceparent }) => {
      const scope = [...new Set(scopes)].sort().join(' ');
      const digest = createHash('sha256').update(subjectToken).digest('base64url');
      return keep(
        `${digest} ${audience} ${scope}`,
        {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: subjectToken,
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          audience,
          scope,
        },
        traceparent,
      );
    },
  };
}
