import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicClock } from '../clock.js';
import { isObject } from '../json-object.js';
import { TOKEN_EXCHANGE, TOKEN_TYPE } from '../oauth.js';
import { TokenCache } from './token-cache.js';
import { TokenEndpoint, type TokenClientOptions } from './token-endpoint.js';
import { TokenPauses } from './token-pauses.js';
import { type AccessToken } from './token-request.js';

/** What to request: one audience, and only the scopes that the call at hand needs. */
export interface TokenRequest {
  readonly audience: string;
  readonly scopes: readonly string[];
  /** W3C Trace Context of the work at hand, sent along when a token is requested. */
  readonly traceparent?: string | undefined;
}

/** What is exchanged (RFC 8693, section 3): an ID token or a JWT must come from an issuer that ours trusts for it. */
export type SubjectTokenType = 'access_token' | 'id_token' | 'jwt';

/** What a token is exchanged for (RFC 8693, section 2.1). */
export interface ExchangeRequest extends TokenRequest {
  readonly subjectToken: string;
  /** `access_token` by default. */
  readonly subjectTokenType?: SubjectTokenType | undefined;
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
        grant_type: TOKEN_EXCHANGE,
        subject_token: subjectToken,
        subject_token_type: TOKEN_TYPE + subjectTokenType,
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
