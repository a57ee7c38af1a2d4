import { CliError, ExitCode } from '../cli-error.js';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `30d`, `12h`, `45m`, `10s`. @returns seconds @throws {CliError} naming the option */
export function secondsOf(text: string, option: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = units[unit];
  if (count === undefined || seconds === undefined) {
    throw new CliError(
      ExitCode.usage,
      'ARGUMENT_INVALID',
      `${option} must be a number and a unit, such as 30d, 12h, 45m or 10s`,
    );
  }
  return Number(count) * seconds;
}
