/** What became of one program. */
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
