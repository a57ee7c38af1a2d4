/** Maximum characters of a path to return to. */
const LENGTH_LIMIT = 4_096;
/** Where a sign-in may lead back to; by default `/account`. */
const places: ReadonlySet<string> = new Set(['/oauth2/authorize', '/device', '/account']);
export const HOME = '/account';

/**
 * Where a browser goes after signing in: one of a few paths of this issuer, with a query. Anything that a browser could interpret as another host or
 * another path is refused.
 * @returns the path in canonical form; undefined if it is not allowed
 */
export function returnPath(asked: string): string | undefined {
  if (asked.length > LENGTH_LIMIT || !/^\/[\x21-\x7e]*$/.test(asked) || /[\\#]/.test(asked)) return undefined;
  const [path = ''] = asked.split('?', 1);
  return places.has(path) ? asked : undefined;
}
