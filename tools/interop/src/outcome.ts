import { readFileSync, writeFileSync } from 'node:fs';

/** The outcome of one program. */
export type Outcome =
  | { readonly state: 'passed'; readonly name: string; readonly version: string; readonly what: string }
  | { readonly state: 'failed'; readonly name: string; readonly version: string; readonly what: string }
  /** It cannot be had on this machine. */
  | { readonly state: 'not run'; readonly name: string; readonly version: string; readonly what: string };

export const passed = (name: string, version: string, what: string): Outcome => ({
  state: 'passed',
  name,
  version,
  what,
});
export const failed = (name: string, version: string, what: string): Outcome => ({
  state: 'failed',
  name,
  version,
  what,
});
export const notRun = (name: string, version: string, what: string): Outcome => ({
  state: 'not run',
  name,
  version,
  what,
});

/** A program that is not on this machine, or cannot be fetched or built. */
export class CannotBeHad extends Error {}

/** One line a program. */
export function reportOf(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, version, state, what }) => [`${name} ${version}`, state, what] as const);
  const width = (column: 0 | 1): number => Math.max(0, ...rows.map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  return rows.map(([name, state, what]) => `${name.padEnd(first)}  ${state.padEnd(second)}  ${what}`).join('\n');
}

/** Puts the report between the comments `<!-- interop -->` and `<!-- /interop -->` of a page. */
export function writeReport(path: string, outcomes: readonly Outcome[]): void {
  const line = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = outcomes.map(({ name, version, state, what }) => line(name, version, state, what.replaceAll('|', ' ')));
  const table = [line('program', 'version', 'came out', 'what was tried'), line('---', '---', '---', '---'), ...rows];
  const page = readFileSync(path, 'utf8');
  const place = /(<!-- interop -->\n)[\s\S]*?(<!-- \/interop -->)/;
  writeFileSync(
    path,
    page.replace(place, (_all, open: string, close: string) => `${open}\n${table.join('\n')}\n\n${close}`),
  );
}
