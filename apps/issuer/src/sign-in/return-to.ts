/** Characters of a path to return to. */
const LENGTH_LIMIT = 4_096;
/** Where a sign-in may lead back to; `/account` when nothing was asked for. */
const places: ReadonlySet<string> = new Set(['/oauth2/authorize', '/device', '/account']);
export const HOME = '/account';

/**
 * Where a browser goes after signing in: one of few paths of this issuer, with a query. Whatever a browser could read as another host, or as
 * another path than it says, is not one.
 * @returns the path in canonical form; undefined for what is not allowed
 */
export function returnPath(asked: string): string | undefined {
  if (asked.length > LENGTH_LIMIT || !/^\/[\x21-\x7e]*$/.test(asked) || /[\\#]/.test(asked)) return undefined;
  const [path = ''] = asked.split('?', 1);
  return places.has(path) ? asked : undefined;
}
