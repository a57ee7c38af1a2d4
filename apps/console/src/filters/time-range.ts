const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** The ranges that the page offers, and their labels. */
export const offeredRanges = [
  { from: '-15m', title: 'Last 15 minutes' },
  { from: '-1h', title: 'Last hour' },
  { from: '-24h', title: 'Last 24 hours' },
  { from: '-7d', title: 'Last 7 days' },
  { from: '-30d', title: 'Last 30 days' },
] as const;

/** @returns the time; undefined outside the years that the server accepts */
function keepable(time: number): number | undefined {
  const year = new Date(time).getUTCFullYear();
  return year >= 1 && year <= 9_999 ? time : undefined;
}

/**
 * Reads a time: relative to now (`-15m`, `-7d`), a day, or a time of RFC 3339; one without a zone is in the reader's own.
 * @param now milliseconds since 1970
 * @returns milliseconds since 1970; undefined for any other text
 */
export function parseTime(text: string, now: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === 'now') return now;
  const [, amount, unit] = /^-\s?(\d{1,6})\s?([smhdw])$/.exec(trimmed) ?? [];
  if (amount !== undefined && unit !== undefined) return keepable(now - Number(amount) * (UNITS[unit] ?? 0));
  if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
  // Date parses a day without a time as UTC; here it starts in the reader's time zone.
  const time = new Date(/^\d{4}-\d{2}-\d{2}$/.test(trimmed) ? `${trimmed}T00:00` : trimmed.replace(' ', 'T')).getTime();
  return keepable(time);
}
