/**
 * Writes times as RFC 3339, and remembers the last one: from one token to the next they repeat, and writing a time anew costs as much as all
 * the rest of an event.
 * @returns takes milliseconds since 1970
 */
export function isoTimes(): (ms: number) => string {
  let latest = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms !== latest) text = new Date(ms).toISOString();
    latest = ms;
    return text;
  };
}
