import { meetsGoal, type Measured, type Metric } from './benchmark.js';

/** Four significant digits, without exponents. */
export function figureOf(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = value === 0 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 6));
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (known, row) => row.map((cell, index) => Math.max(known[index] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The figures as a person reads them; what falls short says so. */
export function readableReport(name: string, metrics: readonly Metric[], measured: readonly Measured[]): string {
  const goals = metrics.map((metric) => {
    const { metric: label, value, goal, better } = metric;
    const wanted = goal === undefined ? 'stated' : `${better === 'lower' ? '≤' : '≥'} ${figureOf(goal)}`;
    return [label, figureOf(value), wanted, meetsGoal(metric) ? 'ok' : 'falls short'];
  });
  const beside = measured.map(({ name: label, value, unit }) => [label, figureOf(value), unit]);
  return [
    `\n${name}`,
    ...(beside.length === 0 ? [] : [tableOf(beside), '']),
    tableOf([['metric', 'value', 'goal', ''], ...goals]),
  ].join('\n');
}

/** The last line of `--json`. */
export function jsonReport(name: string, metrics: readonly Metric[]): string {
  const results = metrics.map((metric) => ({
    metric: metric.metric,
    value: metric.value,
    goal: metric.goal ?? null,
    better: metric.better,
    ok: meetsGoal(metric),
  }));
  return JSON.stringify({ name, results });
}
