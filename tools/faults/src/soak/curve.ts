/** A repeated measurement. */
export interface Curve {
  readonly unit: string;
  /** Medians of the second and the last third: what is steady has both alike. */
  readonly middle: number;
  readonly last: number;
  readonly max: number;
  readonly points: readonly number[];
}

const POINTS = 60;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** @param values in the order of time; of many, sixty are shown, each the largest of its stretch */
export function curveOf(unit: string, values: readonly number[]): Curve {
  const third = Math.floor(values.length / 3);
  const stretch = Math.ceil(values.length / POINTS);
  const points: number[] = [];
  for (let at = 0; at < values.length; at += stretch) points.push(rounded(Math.max(...values.slice(at, at + stretch))));
  return {
    unit,
    middle: rounded(median(values.slice(third, 2 * third))),
    last: rounded(median(values.slice(2 * third))),
    max: rounded(values.reduce((a, b) => Math.max(a, b), 0)),
    points,
  };
}

/**
 * Whether it has stopped growing: the last third is no more than half above the second, beside what it may rise by chance.
 * @param slack in the curve's unit
 */
export function isSteady({ middle, last }: Curve, slack: number): boolean {
  return last <= middle * 1.5 + slack;
}
