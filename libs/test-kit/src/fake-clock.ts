/** Two clocks that only move when a test moves them. Pass them to the test issuer, the verifier and anything else that takes one. */
export interface FakeClock {
  /** Milliseconds since 1970: the machine's clock. */
  readonly now: () => number;
  readonly date: () => Date;
  /** Milliseconds since this clock was created, for durations. It is never set back. */
  readonly monotonic: () => number;
  /** Lets time pass, for both. @param milliseconds may be negative: then only the machine's clock goes back, as real clocks can */
  advance(milliseconds: number): void;
  /** Sets the machine's clock; no time passes. */
  set(to: Date | number): void;
}

/** @param start `2026-01-01T00:00:00Z` by default, so that a test has the same result every day */
export function createFakeClock(start: Date | number = Date.UTC(2026, 0, 1)): FakeClock {
  let time = Number(start);
  let passed = 0;
  return {
    now: () => time,
    date: () => new Date(time),
    monotonic: () => passed,
    advance(milliseconds) {
      time += milliseconds;
      passed += Math.max(0, milliseconds);
    },
    set(to) {
      time = Number(to);
    },
  };
}
