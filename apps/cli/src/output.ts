import { type CliError } from './cli-error.js';

/** Where a command writes: its result to standard output, everything else to standard error. */
export interface Output {
  readonly json: boolean;
  /**
   * The result: `value` as one line of JSON with `--json`, else `text`.
   * @param text for people; ends without a newline
   */
  result(value: unknown, text: string): void;
  /** A remark beside the result, for people; silent with `--json`. */
  note(text: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result(value, text) {
      process.stdout.write(`${json ? JSON.stringify(value) : text}\n`);
    },
    note(text) {
      if (!json) process.stderr.write(`${text}\n`);
    },
  };
}

/** Prints why a command failed; with `--json` also as one line on standard output, so that a script need not parse words. */
export function printFailure({ code, message, hint }: CliError, json: boolean): void {
  const lines = [`error: ${message}`, ...(hint === undefined ? [] : [hint])].flatMap((text) => text.split('\n'));
  process.stderr.write(`${lines.map(printable).join('\n')}\n`);
  if (!json) return;
  process.stdout.write(`${JSON.stringify({ ok: false, code, message, ...(hint === undefined ? {} : { hint }) })}\n`);
}

/** What of a text could move a terminal's cursor is shown as a dot. */
export const printable = (text: string): string => text.replaceAll(/\p{C}/gu, '·');

/** Rows as aligned columns under their titles. @returns one line that says so when there are none */
export function table(titles: readonly string[], given: readonly (readonly string[])[], empty = 'none'): string {
  if (given.length === 0) return empty;
  const rows = given.map((cells) => cells.map(printable));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [titles, ...rows].map(line).join('\n');
}
