const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/**
 * Whether PostgreSQL can keep JSON text as it is: its text contains no U+0000 and no lone surrogate.
 * @param json as `JSON.stringify` writes it, which escapes only these two in that way
 */
export function isStorableJson(json: string): boolean {
  return !unstorable.test(json);
}

/** Text as PostgreSQL and an event can keep it: U+FFFD replaces each U+0000 and each lone surrogate. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').toWellFormed();
}
