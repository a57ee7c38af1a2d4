/** A clock that stands still until a test moves it. Hand `now` to the test issuer, the verifier and whatever else takes one. */
export interface FakeClock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly date: () => Date;
  /** Moves it on. @param milliseconds may be negative: clocks are set back in life, too */
  advance(milliseconds: number): void;
  set(to: Date | number): void;
}

/** @param start `2026-01-01T00:00:00Z` by default, so that a test tells the same every day */
export function createFakeClock(start: Date | number = Date.UTC(2026, 0, 1)): FakeClock {
  let time = Number(start);
  return {
    now: () => time,
    date: () => new Date(time),
    advance(milliseconds) {
      time += milliseconds;
    },
    set(to) {
      time = Number(to);
    },
  };
}
