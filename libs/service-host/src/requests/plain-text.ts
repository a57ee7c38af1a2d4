// Most text is printable ASCII, and checking for that first is twice as fast.
const notAscii = /[^\x20-\x7e]/;
const notPlain = /[\p{Cc}\p{Cs}]/u;

/**
 * What no text of a request may contain: control characters, because not every database, log or terminal accepts them, and halves of surrogate
 * pairs, because UTF-8 cannot encode them.
 */
export const TEXT_RULE =
  'must not contain control characters (such as U+0000, line breaks or escape sequences) or half a surrogate pair';

/** Whether text can be stored, logged and shown as it is; see {@link TEXT_RULE}. */
export function isPlainText(text: string): boolean {
  return !notAscii.test(text) || !notPlain.test(text);
}

/**
 * Looks for text that is not plain, including in member names.
 * @param value JSON of bounded depth
 * @returns the path of the first one, its names escaped and separated by dots; undefined when all is plain
 */
export function pathOfOddText(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') return isPlainText(value) ? undefined : path;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const inner = path === '' ? name : `${path}.${name}`;
    if (!isPlainText(name)) return JSON.stringify(inner).slice(1, -1);
    const odd = pathOfOddText(member, inner);
    if (odd !== undefined) return odd;
  }
  return undefined;
}
