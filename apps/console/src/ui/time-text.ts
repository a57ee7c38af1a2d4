const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago a time is, in short words. @param ms since 1970, as is `now` */
export function agoText(ms: number, now: number): string {
  const past = now - ms;
  if (past < -MINUTE) return 'ahead of your clock';
  if (past < 10_000) return 'just now';
  if (past < MINUTE) return `${String(Math.floor(past / 1_000))} s ago`;
  if (past < HOUR) return `${String(Math.floor(past / MINUTE))} min ago`;
  if (past < 2 * DAY) return `${String(Math.floor(past / HOUR))} h ago`;
  return `${String(Math.floor(past / DAY))} days ago`;
}

const pad = (value: number, length = 2): string => String(value).padStart(length, '0');

/** A time to the millisecond in the reader's own zone: `2026-11-26 14:05:09.123`. */
export function localText(date: Date): string {
  const day = `${String(date.getFullYear())}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${time}.${pad(date.getMilliseconds(), 3)}`;
}

/** @returns a length of time in short words: `320 ms`, `4 min`, `3.5 h` */
export function lengthText(ms: number): string {
  const say = (value: number, unit: string): string => `${String(Math.round(value * 10) / 10)} ${unit}`;
  if (ms < 1_000) return `${String(Math.round(ms))} ms`;
  if (ms < 60_000) return say(ms / 1_000, 's');
  if (ms < 3_600_000) return say(ms / 60_000, 'min');
  if (ms < 2 * 86_400_000) return say(ms / 3_600_000, 'h');
  return say(ms / 86_400_000, 'days');
}
