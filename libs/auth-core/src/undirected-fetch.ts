/** Statuses that lead elsewhere (RFC 9110, section 15.4); 304 does not. */
const leadsElsewhere = ({ status, type }: Response): boolean =>
  type === 'opaqueredirect' || (status >= 300 && status < 400 && status !== 304);

/**
 * Asks, and follows no redirect: nobody else than who was asked answers. The rule is here because Cloudflare's Workers do not know
 * `redirect: 'error'`.
 * @throws {Error} for an answer that leads elsewhere, and what `fetch` throws
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
