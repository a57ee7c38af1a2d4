/** A URL's query as plain text values, so that people can read and write it; the last value of a name counts. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** @returns with the leading question mark; empty if there are no parameters */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const said = Object.entries(search).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, String(value)]] : [],
  );
  return said.length === 0 ? '' : `?${new URLSearchParams(said).toString()}`;
}
