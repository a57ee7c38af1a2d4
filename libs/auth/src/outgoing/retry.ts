/** When a call may be tried again, and after how long. Pure. */

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const PASSING = new Set([429, 502, 503, 504]);

/** Whether sending the request twice does no more than sending it once (RFC 9110, section 9.2.2), or the receiver sees to that by its key. */
export function isIdempotent(method: string, idempotencyKey: string | undefined): boolean {
  return IDEMPOTENT.has(method) || idempotencyKey !== undefined;
}

/** Whether a status stands for a temporary failure: too many requests, or a server that is away. */
export function mayPass(status: number): boolean {
  return PASSING.has(status);
}

/**
 * Milliseconds to wait before a try: anything between zero and a ceiling that doubles, so that callers which failed together do not come
 * again together; never less than the receiver asked for.
 * @param attempt the try that failed, from 1
 * @param random 0 to 1
 */
export function pauseMs(attempt: number, random: number, retryAfter: number): number {
  const ceiling = Math.min(100 * 2 ** (attempt - 1), 5_000);
  return Math.max(retryAfter, Math.round(ceiling * random));
}
