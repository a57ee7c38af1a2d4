import { boundedBody } from '../bounded-body.js';
import { isInstance } from '../either-form.js';
import { isObject, type JsonObject } from '../json-object.js';
import { reasonOf } from '../reason.js';
import { undirectedFetch } from '../undirected-fetch.js';
import { retryAfterOf } from './retry-after.js';

const MARK = Symbol.for('countersign.token-request-error');

/** A token request that failed. `code` is the issuer's OAuth error (RFC 6749, section 5.2), or `NETWORK`, `TIMEOUT`, `ANSWER_INVALID`. */
export class TokenRequestError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, TokenRequestError, MARK);
  }

  constructor(
    readonly code: string,
    message: string,
    readonly status: number | undefined,
    /** Whether retrying may help. */
    readonly retryable: boolean,
    /** Seconds that the issuer asked to wait (`Retry-After`). */
    readonly retryAfterSeconds?: number,
    /** The nonce that the issuer requires in a DPoP proof (RFC 9449, section 8). */
    readonly dpopNonce?: string,
  ) {
    super(message);
    this.name = 'TokenRequestError';
  }

  protected get [MARK](): true {
    return true;
  }
}

/** The issuer's token response. */
export interface AccessToken {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** `DPoP` for a token that is bound to a key: each request with it needs a proof. */
  readonly tokenType: 'Bearer' | 'DPoP';
}

export interface TokenRequest {
  readonly endpoint: string;
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Maximum bytes of a response from the token endpoint. */
const TOKEN_ANSWER_LIMIT = 64 * 1024;

/** Posts one request to the token endpoint (RFC 6749, section 3.2). @throws {TokenRequestError} */
export async function requestToken(request: TokenRequest): Promise<AccessToken> {
  const { response, body } = await post(request);
  if (!response.ok) throw refusal(response, body, request.now());
  const { access_token: token, token_type: type, expires_in: expiresIn, scope } = body;
  const tokenType = typeof type === 'string' ? tokenTypes.get(type.toLowerCase()) : undefined;
  if (typeof token !== 'string' || token === '' || typeof expiresIn !== 'number' || tokenType === undefined) {
    throw new TokenRequestError('ANSWER_INVALID', "the issuer's response has no access token", response.status, false);
  }
  if (!(expiresIn > 0)) {
    throw new TokenRequestError(
      'ANSWER_INVALID',
      'the issuer sent a token that has already expired',
      response.status,
      false,
    );
  }
  return {
    token,
    expiresAt: Math.floor(request.now() / 1_000) + expiresIn,
    scopes: typeof scope === 'string' ? scope.split(' ') : [],
    tokenType,
  };
}

const tokenTypes: ReadonlyMap<string, AccessToken['tokenType']> = new Map([
  ['bearer', 'Bearer'],
  ['dpop', 'DPoP'],
]);

async function post({
  endpoint,
  form,
  headers,
  timeoutMs,
  fetch,
}: TokenRequest): Promise<{ response: Response; body: JsonObject }> {
  try {
    const response = await undirectedFetch(fetch, endpoint, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { response, body: objectOf(await boundedBody(response, TOKEN_ANSWER_LIMIT)) };
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    const message = `the token endpoint did not answer: ${reasonOf(error)}`;
    throw new TokenRequestError(timedOut ? 'TIMEOUT' : 'NETWORK', message, undefined, true);
  }
}

/** Skips a byte order mark (RFC 8259, section 8.1). */
const decoder = new TextDecoder();

/** A proxy in between may answer anything: a body that is not a JSON object is ignored. */
function objectOf(body: Buffer): JsonObject {
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function refusal(
  response: Response,
  { error, error_description: description }: JsonObject,
  now: number,
): TokenRequestError {
  const code = typeof error === 'string' ? error : `HTTP_${String(response.status)}`;
  const because = typeof description === 'string' ? `: ${description}` : '';
  return new TokenRequestError(
    code,
    `the issuer refused the token: ${code}${because}`,
    response.status,
    response.status >= 500 || response.status === 429,
    retryAfterOf(response.headers.get('retry-after'), now),
    response.headers.get('dpop-nonce') ?? undefined,
  );
}
