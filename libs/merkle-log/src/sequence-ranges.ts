/** Both ends are included. */
export interface SequenceRange {
  readonly first: bigint;
  readonly last: bigint;
}

const rangePattern = /\[(\d+),(\d+)\)/g;

/** The numbers of one source that are in the trail, as ranges; numbers between two ranges are missing. */
export class SequenceRanges {
  /** Sorted, apart from each other. */
  readonly #ranges: SequenceRange[];

  constructor(ranges: readonly SequenceRange[] = []) {
    this.#ranges = [...ranges];
  }

  /** Reads PostgreSQL's `int8multirange` in its canonical form: `{[1,5),[7,9)}`. */
  static parse(text: string): SequenceRanges {
    return new SequenceRanges(
      [...text.matchAll(rangePattern)].map(([, first = '', end = '']) => ({
        first: BigInt(first),
        last: BigInt(end) - 1n,
      })),
    );
  }

  /** Every number up to and including this one is present; 0 if the first is missing. */
  get through(): bigint {
    const first = this.#ranges[0];
    return first?.first === 1n ? first.last : 0n;
  }

  /** 0 when there is none. */
  get highest(): bigint {
    return this.#ranges.at(-1)?.last ?? 0n;
  }

  /** How many ranges. */
  get count(): number {
    return this.#ranges.length;
  }

  has(number: bigint): boolean {
    const at = this.#firstEndingAtOrAfter(number);
    const range = this.#ranges[at];
    return range !== undefined && range.first <= number;
  }

  /** @returns false when it was already there */
  add(number: bigint): boolean {
    const at = this.#firstEndingAtOrAfter(number);
    const after = this.#ranges[at];
    if (after !== undefined && after.first <= number) return false;
    const before = this.#ranges[at - 1];
    const joinsBefore = before !== undefined && before.last + 1n === number;
    const joinsAfter = after !== undefined && after.first === number + 1n;
    const joined = { first: joinsBefore ? before.first : number, last: joinsAfter ? after.last : number };
    this.#ranges.splice(joinsBefore ? at - 1 : at, Number(joinsBefore) + Number(joinsAfter), joined);
    return true;
  }

  /** Adds all numbers from `first` to `last`, both included; numbers already present stay. */
  addRange(first: bigint, last: bigint): void {
    if (last < first) return;
    const apart = (range: SequenceRange): boolean => range.last + 1n < first || last + 1n < range.first;
    const joined = this.#ranges.filter((range) => !apart(range));
    const lowest = joined.reduce((low, range) => (range.first < low ? range.first : low), first);
    const highest = joined.reduce((high, range) => (range.last > high ? range.last : high), last);
    const others = this.#ranges.filter(apart);
    const at = others.findIndex((range) => range.first > highest);
    this.#ranges.splice(
      0,
      this.#ranges.length,
      ...others.toSpliced(at === -1 ? others.length : at, 0, { first: lowest, last: highest }),
    );
  }

  /** The missing numbers below the highest one, lowest first. */
  missing(): readonly SequenceRange[] {
    let next = 1n;
    const gaps: SequenceRange[] = [];
    for (const { first, last } of this.#ranges) {
      if (first > next) gaps.push({ first: next, last: first - 1n });
      next = last + 1n;
    }
    return gaps;
  }

  /** In the syntax of PostgreSQL's `int8multirange`. */
  toString(): string {
    return `{${this.#ranges.map(({ first, last }) => `[${String(first)},${String(last)}]`).join(',')}}`;
  }

  #firstEndingAtOrAfter(number: bigint): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.#ranges[middle];
      if (range !== undefined && range.last < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
