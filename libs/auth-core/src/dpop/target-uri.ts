const unreserved = /^[A-Za-z0-9._~-]$/;

/**
 * The normalized URL of a request, for comparison (RFC 9449, section 4.3; RFC 3986, sections 6.2.2 and 6.2.3): no query, no fragment, scheme and host
 * in lower case, no default port, no dot segments, percent-encoding only where needed.
 * @returns undefined for anything but an http(s) URL
 */
export function targetUri(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, username, password, host, pathname } = new URL(address);
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return undefined;
  const path = pathname.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return unreserved.test(character) ? character : escaped.toUpperCase();
  });
  return `${protocol}//${host}${path}`;
}
