/** Milliseconds for a response that makes a service read, or end, everything that it has. */
export const WHOLE_CHECK_MS = 15 * 60_000;
/** Milliseconds that Node's `fetch` waits for a response to begin, and for each further part, whatever its signal allows. */
const FETCH_LIMIT_MS = 300_000;

/**
 * Additional options of `fetch` for a response that may take that long: from five minutes, a connection that leaves the limit to the request's
 * signal. Its type is loose, because Node's `fetch` uses types of another undici version.
 */
export async function allowing(timeoutMs: number | null): Promise<object> {
  if (timeoutMs === null || timeoutMs < FETCH_LIMIT_MS) return {};
  const { Agent, Dispatcher1Wrapper } = await import('undici');
  return { dispatcher: new Dispatcher1Wrapper(new Agent({ headersTimeout: 0, bodyTimeout: 0 })) };
}
