const LENGTH_LIMIT = 2_048;
/** Only the characters that our own URLs need; no backslash, which browsers read as a slash. */
const path = /^\/(?![/\\])[\w\-./~%:@!$&'()*+,;=?#[\]]*$/;

/**
 * Where a browser continues after a sign-in: one of the console's own paths.
 * @param wanted as requested, by anybody
 * @returns the root for anything else
 */
export function returnPathOf(wanted: string | undefined, origin: string): string {
  if (wanted === undefined || wanted.length > LENGTH_LIMIT || !path.test(wanted) || !URL.canParse(wanted, origin))
    return '/';
  const url = new URL(wanted, origin);
  const found = url.pathname + url.search + url.hash;
  // Dot segments may produce two slashes, which name a host. Never back to signing in or out, which would loop.
  if (url.origin !== origin || !path.test(found) || url.pathname.startsWith('/console/')) return '/';
  return found;
}
