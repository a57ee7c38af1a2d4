import { percentile } from '../statistics.js';

/** The times of one candidate in milliseconds, over all phases of a run: percentiles of all together are steadier than the median of the phases'. */
export class Latencies {
  readonly #phases: (readonly number[])[] = [];

  /** Adds the times of one phase. */
  add(times: readonly number[]): void {
    this.#phases.push(times);
  }

  get count(): number {
    return this.#phases.reduce((total, times) => total + times.length, 0);
  }

  /** Of all phases together. @param share 0 to 1 */
  at(share: number): number {
    return percentile(this.#phases.flat(), share);
  }

  /**
   * How far a percentile differs within the run.
   * @param parts into which the phases are split, one after another
   * @returns the least and the greatest of a part
   */
  spread(share: number, parts: number): readonly [number, number] {
    const each = Math.ceil(this.#phases.length / parts);
    const found = Array.from({ length: parts }, (_, part) => this.#phases.slice(part * each, (part + 1) * each).flat())
      .filter((times) => times.length > 0)
      .map((times) => percentile(times, share));
    return [Math.min(...found), Math.max(...found)];
  }
}
