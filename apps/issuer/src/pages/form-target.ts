/**
 * Where a form may lead, as a source of a content security policy: browsers hold a redirect that follows a form to the page's `form-action`. For a
 * private-use scheme that is the scheme; also for an IPv6 address (`http://[::1]/`, RFC 8252, section 7.3), which no source can name: browsers
 * leave such a source out, and then block the answer.
 */
export function formTargetOf(url: string): string {
  const { origin, protocol, hostname } = new URL(url);
  return origin === 'null' || hostname.startsWith('[') ? protocol : origin;
}
