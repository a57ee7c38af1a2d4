/** Redirect statuses (RFC 9110, section 15.4); 304 is not one. */
const leadsElsewhere = ({ status, type }: Response): boolean =>
  type === 'opaqueredirect' || (status >= 300 && status < 400 && status !== 304);

/**
 * Fetches without following redirects, so that only the requested host can answer. Implemented here because Cloudflare's Workers do not support
 * `redirect: 'error'`.
 * @throws {Error} for a redirect, and what `fetch` throws
 */
export async function undirectedFetch(
  fetch: typeof globalThis.fetch,
  url: string,
  init: Omit<RequestInit, 'redirect'>,
): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'manual' });
  if (!leadsElsewhere(response)) return response;
  await response.body?.cancel();
  throw new Error(`${url} answered with a redirect, which is not followed`);
}
