import { type CliError } from './cli-error.js';

/** A command's output: its result to standard output, everything else to standard error. */
export interface Output {
  readonly json: boolean;
  /**
   * The result: `value` as one line of JSON with `--json`, else `text`.
   * @param text for people; ends without a newline
   */
  result(value: unknown, text: string): void;
  /** A remark for people, in addition to the result; silent with `--json`. */
  note(text: string): void;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result(value, text) {
      process.stdout.write(`${json ? jsonLine(value) : printableLines(text)}\n`);
    },
    note(text) {
      if (!json) say(text);
    },
  };
}

/** Prints why a command failed; with `--json` also as one line on standard output, so that a script need not parse words. */
export function printFailure({ code, message, hint }: CliError, json: boolean): void {
  say([`error: ${message}`, ...(hint === undefined ? [] : [hint])].join('\n'));
  if (!json) return;
  process.stdout.write(`${jsonLine({ ok: false, code, message, ...(hint === undefined ? {} : { hint }) })}\n`);
}

/** Tells the person at the terminal something, even with `--json`. */
export function say(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`);
}

/** Shows characters that could move a terminal's cursor as dots. Use it for a name within a text that must not begin a new line. */
export const printable = (text: string): string => text.replaceAll(/\p{C}/gu, '·');

/** Like {@link printable}, line by line. */
export const printableLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n');

/** A value in JSON, equal for any parser: `JSON.stringify` does not escape some characters that move a terminal's cursor. */
const jsonLine = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/\p{C}/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );

/** Rows as aligned columns under their titles. @returns one line that says so when there are none */
export function table(titles: readonly string[], given: readonly (readonly string[])[], empty = 'none'): string {
  if (given.length === 0) return empty;
  const rows = given.map((cells) => cells.map(printable));
  const widths = titles.map((title, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), title.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [titles, ...rows].map(line).join('\n');
}
