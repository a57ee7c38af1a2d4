import { isObject } from '../jws/json-object.js';

/** A token that could not be had. `code` is the issuer's OAuth error (RFC 6749, section 5.2), or `NETWORK`, `TIMEOUT`, `ANSWER_INVALID`. */
export class TokenRequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number | undefined,
    /** Whether asking again may help. */
    readonly retryable: boolean,
    /** Seconds that the issuer asked to wait. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
    this.name = 'TokenRequestError';
  }
}

/** A token as the issuer answered it. */
export interface AccessToken {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
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

/** Posts one request to the token endpoint (RFC 6749, section 3.2). @throws {TokenRequestError} */
export async function requestToken({
  endpoint,
  form,
  headers,
  timeoutMs,
  fetch,
  now,
}: TokenRequest): Promise<AccessToken> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(endpoint, {
      method: 'POST',
      headers,
      body: new URLSearchParams(form),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    body = await response.json().catch(() => undefined);
  } catch (error) {
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    const reason = error instanceof Error ? error.message : String(error);
    throw new TokenRequestError(
      timedOut ? 'TIMEOUT' : 'NETWORK',
      `the token endpoint did not answer: ${reason}`,
      undefined,
      true,
    );
  }
  if (!response.ok) {
    const error =
      isObject(body) && typeof body['error'] === 'string' ? body['error'] : `HTTP_${String(response.status)}`;
    const description =
      isObject(body) && typeof body['error_description'] === 'string' ? `: ${body['error_description']}` : '';
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    throw new TokenRequestError(
      error,
      `the issuer refused the token: ${error}${description}`,
      response.status,
      response.status >= 500 || response.status === 429,
      ...(Number.isFinite(retryAfter) ? [retryAfter] : []),
    );
  }
  if (!isObject(body) || typeof body['access_token'] !== 'string' || typeof body['expires_in'] !== 'number') {
    throw new TokenRequestError('ANSWER_INVALID', 'the issuer answered no access token', response.status, false);
  }
  return {
    token: body['access_token'],
    expiresAt: Math.floor(now() / 1_000) + body['expires_in'],
    scopes: typeof body['scope'] === 'string' ? body['scope'].split(' ') : [],
  };
}
