/**
 * A URL of an issuer: its identifier and a path, joined with one slash. The identifier itself stays unchanged, with or without a trailing slash:
 * `iss` and `aud` are compared character by character (RFC 8414, section 3.3).
 */
export function endpointOf(issuer: string, path: `/${string}`): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}${path}`;
}

/** Names and addresses of this machine only (RFC 6761, section 6.3; RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3). */
const loopback = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether a host is this machine itself. */
export const isLoopback = (hostname: string): boolean => loopback.test(hostname);

/** Whether what is sent to a URL, and what comes back, can be read and changed on its way: http beyond this machine's loopback address. */
export function isPlainHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}

/**
 * Refuses to send secrets, or to take keys, by plain http beyond this machine, unless the caller says that nobody else is on that network.
 * @param allowed what the caller says
 * @returns the URL
 * @throws {TypeError} naming the URL's origin
 */
export function protectedUrl(url: string, allowed = false): string {
  if (allowed || !isPlainHttp(url)) return url;
  throw new TypeError(
    `${new URL(url).origin} is plain http to another machine: use https, or pass allowPlainHttp on a private network`,
  );
}
