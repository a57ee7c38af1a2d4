const LENGTH_LIMIT = 2_048;
/** Only what an address of our own needs; no backslash, which browsers read as a slash. */
const path = /^\/(?![/\\])[\w\-./~%:@!$&'()*+,;=?#[\]]*$/;

/**
 * Where a browser continues after a sign-in: a path of the console's own.
 * @param wanted as the request says it, from anybody
 * @returns the root for what leads anywhere else
 */
export function returnPathOf(wanted: string | undefined, origin: string): string {
  if (wanted === undefined || wanted.length > LENGTH_LIMIT || !path.test(wanted) || !URL.canParse(wanted, origin))
    return '/';
  const url = new URL(wanted, origin);
  const found = url.pathname + url.search + url.hash;
  // Dots may have led to two slashes, which name a host; and never back to what signs in or out: that would go round in circles.
  if (url.origin !== origin || !path.test(found) || url.pathname.startsWith('/console/')) return '/';
  return found;
}
