/** The query of an address as plain text values, so that people can read and write it; the last of a name counts. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** @returns with the leading question mark; empty when there is nothing to say */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const said = Object.entries(search).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, String(value)]] : [],
  );
  return said.length === 0 ? '' : `?${new URLSearchParams(said).toString()}`;
}
