import { median, percentile } from '../statistics.js';

/** The times of one candidate in milliseconds, turn by turn. */
export class Latencies {
  readonly #turns: (readonly number[])[] = [];

  /** Adds the times of one turn. */
  add(times: readonly number[]): void {
    this.#turns.push(times);
  }

  get count(): number {
    return this.#turns.reduce((total, times) => total + times.length, 0);
  }

  /** A percentile of all turns together: a pause of the machine shows in it. @param share 0 to 1 */
  pooled(share: number): number {
    return percentile(this.#turns.flat(), share);
  }

  /** The median of the turns: one pause of the machine does not show in it. @param share 0 to 1 */
  typical(share: number): number {
    return median(this.#each(share));
  }

  /** The least and the greatest of the turns. @param share 0 to 1 */
  spread(share: number): readonly [number, number] {
    const each = this.#each(share);
    return [Math.min(...each), Math.max(...each)];
  }

  #each(share: number): readonly number[] {
    return this.#turns.map((times) => percentile(times, share));
  }
}
