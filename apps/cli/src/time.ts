import { InvalidArgumentError, Option, type Command } from 'commander';
import { type Output } from './output.js';

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationPattern = /^-?([0-9]{1,6})([smhd])$/;
const datePattern = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const timePattern =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})$/;

const expected =
  'Use a time with its zone (2026-11-25T10:00:00Z, 2026-11-25T11:00:00+01:00), a date (2026-11-25, from midnight UTC), or a time ago (-90s, -15m, -2h, -7d).';

/** Milliseconds since 1970, or undefined for a day or a time of day that does not exist. */
function utc(year: string, month: string, day: string, hour = '00', minute = '00', second = '00'): number | undefined {
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = Date.parse(`${text}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text) ? time : undefined;
}

/** Minutes east of UTC (RFC 3339, section 4.2). */
function offsetOf(zone: string): number | undefined {
  if (zone.toUpperCase() === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function timestamp(said: string): number | undefined {
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = '', zone] =
    timePattern.exec(said) ?? [];
  if (zone === undefined) return undefined;
  const time = utc(year, month, day, hour, minute, second);
  const offset = offsetOf(zone);
  if (time === undefined || offset === undefined) return undefined;
  // Times of events have milliseconds. As a bound, a finer time means the next millisecond.
  const milliseconds = Math.ceil(Number(fraction.padEnd(9, '0')) / 1_000_000);
  return time + milliseconds - offset * 60_000;
}

function date(said: string): number | undefined {
  const [, year = '', month = '', day = ''] = datePattern.exec(said) ?? [];
  return utc(year, month, day);
}

function ago(said: string, now: number): number | undefined {
  const [, count, unit = ''] = durationPattern.exec(said) ?? [];
  return count === undefined ? undefined : now - Number(count) * (units[unit] ?? 0);
}

/**
 * A time as people write it: RFC 3339 with a zone, a date (midnight UTC), or a time ago (`-2h`). Never in this machine's zone.
 * @param now milliseconds since 1970
 * @returns RFC 3339 in UTC
 * @throws {InvalidArgumentError} that says what to write
 */
export function timeOf(said: string, now: number = Date.now()): string {
  const time = ago(said, now) ?? date(said) ?? timestamp(said);
  if (time === undefined) throw new InvalidArgumentError(expected);
  return new Date(time).toISOString();
}

/** An option whose value is a time. @param flags `--from <time>` */
export function timeOption(flags: string, description: string): Option {
  return new Option(flags, `${description}: 2026-11-25T10:00:00Z, 2026-11-25 (UTC) or -2h`).argParser((said) =>
    timeOf(said),
  );
}

/** Prints how the times of a command line were understood. */
export function noteTimes(command: Command, output: Pick<Output, 'note'>): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (option.flags.endsWith('<time>') && typeof value === 'string') output.note(`${option.long ?? ''} ${value}`);
  }
}
