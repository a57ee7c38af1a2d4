/** State of a breaker: `open` lets nothing pass, `half-open` one trial call. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** When a circuit breaker opens, and for how long. */
export interface CircuitLimits {
  /** Fraction of failed calls that opens it; 0.5 by default. */
  readonly threshold?: number;
  /** Minimum calls within the window: below it, it stays closed whatever their outcomes; 20 by default. */
  readonly minimumCalls?: number;
  /** Window in milliseconds, at least half of which is considered; 10,000 by default. */
  readonly windowMs?: number;
  /** Milliseconds for which it stays open at first, doubled with each failed trial; 500 by default. */
  readonly firstPauseMs?: number;
  /** Maximum milliseconds for which it stays open; 10,000 by default. */
  readonly lastPauseMs?: number;
}

interface Count {
  since: number;
  calls: number;
  failures: number;
}

/** Stops calls to a failing receiver: they would wait for nothing, and keep it from recovering. */
export class CircuitBreaker {
  readonly #limits: Required<CircuitLimits>;
  #now: Count = { since: 0, calls: 0, failures: 0 };
  #before: Count = { since: 0, calls: 0, failures: 0 };
  #openUntil: number | undefined;
  #pauseMs: number;
  #trying = false;

  /** @param clock milliseconds of a monotonic clock */
  constructor(
    private readonly clock: () => number,
    limits: CircuitLimits = {},
  ) {
    this.#limits = {
      threshold: 0.5,
      minimumCalls: 20,
      windowMs: 10_000,
      firstPauseMs: 500,
      lastPauseMs: 10_000,
      ...limits,
    };
    this.#pauseMs = this.#limits.firstPauseMs;
  }

  get state(): CircuitState {
    if (this.#openUntil === undefined) return 'closed';
    return this.clock() >= this.#openUntil ? 'half-open' : 'open';
  }

  /** Milliseconds for which nothing will pass; 0 unless it is open. */
  get closedForMs(): number {
    return Math.max(0, (this.#openUntil ?? 0) - this.clock());
  }

  /**
   * Asks to make a call.
   * @returns a callback for the outcome of the call; undefined when it may not be made
   */
  admit(): ((failed: boolean) => void) | undefined {
    const { state } = this;
    if (state === 'closed') {
      return (failed) => {
        if (this.#openUntil === undefined) this.#count(failed);
      };
    }
    if (state === 'open' || this.#trying) return undefined;
    this.#trying = true;
    return (failed) => {
      this.#trying = false;
      if (failed) {
        this.#pauseMs = Math.min(this.#pauseMs * 2, this.#limits.lastPauseMs);
        this.#openUntil = this.clock() + this.#pauseMs;
      } else {
        this.#openUntil = undefined;
        this.#pauseMs = this.#limits.firstPauseMs;
        this.#forget();
      }
    };
  }

  #count(failed: boolean): void {
    const at = this.clock();
    const { windowMs, minimumCalls, threshold } = this.#limits;
    if (at - this.#now.since >= windowMs / 2) {
      this.#before = at - this.#now.since < windowMs ? this.#now : { since: at, calls: 0, failures: 0 };
      this.#now = { since: at, calls: 0, failures: 0 };
    }
    this.#now.calls += 1;
    if (failed) this.#now.failures += 1;
    const calls = this.#now.calls + this.#before.calls;
    const failures = this.#now.failures + this.#before.failures;
    if (!failed || calls < minimumCalls || failures < calls * threshold) return;
    this.#openUntil = at + this.#pauseMs;
    this.#forget();
  }

  #forget(): void {
    this.#now = { since: this.clock(), calls: 0, failures: 0 };
    this.#before = { since: this.clock(), calls: 0, failures: 0 };
  }
}
