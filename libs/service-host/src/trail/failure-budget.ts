import { BoundedMap } from '@countersign/auth-core';

/** Milliseconds after which a network's failures no longer count. */
const WINDOW_MS = 60_000;

/** Maximum networks that are counted; the oldest is evicted for a new one. */
const NETWORK_LIMIT = 10_000;

interface Window {
  readonly endsAt: number;
  failures: number;
}

/** How many failed requests a network may make in a minute. A successful request costs nothing, and is never refused for others' failures. */
export class FailureBudget {
  readonly #windows = new BoundedMap<string, Window>(NETWORK_LIMIT);

  /** @param limit failures of one network in a minute */
  constructor(private readonly limit: number) {}

  /**
   * Spends one failure.
   * @param now milliseconds of a monotonic clock
   * @returns undefined while something is left, otherwise the seconds until something is again
   */
  spend(network: string, now: number): number | undefined {
    let window = this.#windows.get(network);
    if (window === undefined || window.endsAt <= now) {
      window = { endsAt: now + WINDOW_MS, failures: 0 };
      this.#windows.set(network, window);
    }
    window.failures += 1;
    return window.failures <= this.limit ? undefined : Math.ceil((window.endsAt - now) / 1_000);
  }
}
