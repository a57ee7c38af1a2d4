import { BoundedMap } from '@countersign/auth-core';

/** Milliseconds in which identical lines are written once. */
const ONE_IN_MS = 1_000;
/** Maximum names that are remembered; the oldest is evicted for a new one, and its next line is written. */
const NAMES_LIMIT = 1_000;

interface Written {
  readonly at: number;
  unwritten: number;
}

/** Bounds the log lines that a flood repeats: one line a second for each name, which says how many were omitted before it. */
export class RepeatedLines {
  readonly #written = new BoundedMap<string, Written>(NAMES_LIMIT);

  /** @param monotonic milliseconds of a monotonic clock */
  constructor(private readonly monotonic: () => number) {}

  /**
   * Asks whether to write a line.
   * @returns how many of this name were omitted since the last one; undefined if this one is omitted too
   */
  next(name: string): number | undefined {
    const now = this.monotonic();
    const last = this.#written.get(name);
    if (last !== undefined && now < last.at + ONE_IN_MS) {
      last.unwritten += 1;
      return undefined;
    }
    this.#written.set(name, { at: now, unwritten: 0 });
    return last?.unwritten ?? 0;
  }
}
