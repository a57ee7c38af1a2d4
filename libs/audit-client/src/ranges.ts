/** Consecutive numbers, both ends included. */
export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export function overlap(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** Ranges minus the numbers of other ranges. */
export function without<Kept extends Range>(ranges: readonly Kept[], others: readonly Range[]): readonly Kept[] {
  return others.reduce<readonly Kept[]>(
    (left, other) =>
      left.flatMap((range) => {
        if (!overlap(range, other)) return [range];
        const parts = [
          { ...range, last: other.first - 1n },
          { ...range, first: other.last + 1n },
        ];
        return parts.filter(({ first, last }) => first <= last);
      }),
    ranges,
  );
}
