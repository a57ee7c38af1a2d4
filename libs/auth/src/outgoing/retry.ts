/** When a call may be retried, and after how long. Pure. */

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const PASSING = new Set([429, 502, 503, 504]);

/** Whether the request is idempotent (RFC 9110, section 9.2.2), or made so by its idempotency key. */
export function isIdempotent(method: string, idempotencyKey: string | undefined): boolean {
  return IDEMPOTENT.has(method) || idempotencyKey !== undefined;
}

/** Whether a status means a temporary failure: too many requests, or an unavailable server. */
export function mayPass(status: number): boolean {
  return PASSING.has(status);
}

/**
 * Milliseconds to wait before a try: random between zero and a ceiling that doubles, so that callers which failed together do not retry together;
 * never less than the receiver asked for.
 * @param attempt the try that failed, from 1
 * @param random 0 to 1
 */
export function pauseMs(attempt: number, random: number, retryAfter: number): number {
  const ceiling = Math.min(100 * 2 ** (attempt - 1), 5_000);
  return Math.max(retryAfter, Math.round(ceiling * random));
}
