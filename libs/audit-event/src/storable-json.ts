const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/**
 * Whether PostgreSQL can keep JSON text as it is: its text holds no U+0000, and no half of a surrogate pair.
 * @param json as `JSON.stringify` writes it, which escapes only these two in that way
 */
export function isStorableJson(json: string): boolean {
  return !unstorable.test(json);
}
