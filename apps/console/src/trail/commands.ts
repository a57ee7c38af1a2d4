/** A quoted word for a POSIX shell; control characters as escapes, so that none reaches a terminal. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/[\p{Cc}\p{Cf}]/u.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const escaped = [...text].map((character) => {
    if (character === "'" || character === '\\') return `\\${character}`;
    if (!/[\p{Cc}\p{Cf}]/u.test(character)) return character;
    return [...new TextEncoder().encode(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  });
  return `$'${escaped.join('')}'`;
}

/** The same search for a terminal: `countersign audit search …`. */
export function cliCommand(query: Readonly<Record<string, string>>): string {
  const options = Object.entries(query).map(
    ([name, value]) => `--${name === 'q' ? 'text' : name.replace('_', '-')}=${shellWord(value)}`,
  );
  return ['countersign audit search', ...options].join(' ');
}

/** The same search by curl; the token is read from a variable, and so is not in any history. */
export function curlCommand(origin: string, query: Readonly<Record<string, string>>): string {
  const options = Object.entries(query).map(([name, value]) => `--data-urlencode ${shellWord(`${name}=${value}`)}`);
  return [`curl -sG ${shellWord(`${origin}/events`)}`, `-H "Authorization: Bearer $TOKEN"`, ...options].join(' \\\n  ');
}
