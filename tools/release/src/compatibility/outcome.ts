export type Outcome =
  | { readonly passed: true; readonly note?: string }
  | { readonly passed: false; readonly output: string }
  /** Impossible for reasons outside our code; the reason is printed. */
  | { readonly passed: 'none'; readonly note: string };

/** One line of the table: what was tried, and what came of it. */
export interface Row {
  readonly name: readonly string[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

const wordOf = (outcome: Outcome | undefined): string => {
  if (outcome === undefined) return '';
  if (outcome.passed === 'none') return '—';
  return outcome.passed ? 'yes' : '**no**';
};

/** A table in Markdown. */
export function tableOf(heads: readonly string[], columns: readonly string[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line([...heads, ...columns]),
    line([...heads, ...columns].map(() => '---')),
    ...rows.map(({ name, outcomes }) => line([...name, ...columns.map((column) => wordOf(outcomes.get(column)))])),
  ].join('\n');
}

/** Why each of the failed ones failed. */
export function failuresOf(rows: readonly Row[]): readonly string[] {
  return rows.flatMap(({ name, outcomes }) =>
    [...outcomes].flatMap(([column, outcome]) =>
      outcome.passed === false ? [`${[...name, column].join(', ')}:\n${outcome.output}`] : [],
    ),
  );
}
