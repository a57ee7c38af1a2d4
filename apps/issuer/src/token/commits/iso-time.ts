/**
 * Writes times as RFC 3339, and remembers the last second: formatting a time again costs as much as all the rest of an event.
 * @returns takes whole milliseconds since 1970
 */
export function isoTimes(): (ms: number) => string {
  let second = Number.NaN;
  let untilSecond = '';
  return (ms) => {
    const rest = ms % 1_000;
    if (ms - rest !== second) {
      second = ms - rest;
      untilSecond = new Date(second).toISOString().slice(0, -4);
    }
    return `${untilSecond}${String(rest).padStart(3, '0')}Z`;
  };
}
