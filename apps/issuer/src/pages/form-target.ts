/**
 * Where a form may lead, as a source of a content security policy: browsers apply the page's `form-action` to redirects that follow a form. For a
 * private-use scheme that is the scheme; also for an IPv6 address (`http://[::1]/`, RFC 8252, section 7.3), which no source can express: browsers
 * ignore such a source, and then block the response.
 */
export function formTargetOf(url: string): string {
  const { origin, protocol, hostname } = new URL(url);
  return origin === 'null' || hostname.startsWith('[') ? protocol : origin;
}
