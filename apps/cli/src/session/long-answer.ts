/** Milliseconds that an answer may take for which a service reads, or ends, everything that it has. */
export const WHOLE_CHECK_MS = 15 * 60_000;
/** Milliseconds that Node's `fetch` waits for an answer to begin, and for each further piece of it, whatever its signal allows. */
const FETCH_LIMIT_MS = 300_000;

/**
 * What more to give to `fetch` for an answer that may take so long: from five minutes on a connection that leaves the limit to the request's
 * signal. Its type says nothing, since that of Node's `fetch` is of another version of undici.
 */
export async function allowing(timeoutMs: number | null): Promise<object> {
  if (timeoutMs === null || timeoutMs < FETCH_LIMIT_MS) return {};
  const { Agent, Dispatcher1Wrapper } = await import('undici');
  return { dispatcher: new Dispatcher1Wrapper(new Agent({ headersTimeout: 0, bodyTimeout: 0 })) };
}
