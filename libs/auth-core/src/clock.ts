/** The two clocks of a process. */
export interface Clock {
  /** Milliseconds since 1970, by the machine's clock: for `exp`, `iat` and the like. It can be set back or forward at any time. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock, for durations. It can stop while the machine sleeps. */
  readonly monotonic: () => number;
}

/** The default clock for durations; tests pass their own. */
export const monotonicClock = (): number => performance.now();

/** A point in time, by both clocks. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function momentOf({ now, monotonic }: Clock): Moment {
  return { wall: now(), monotonic: monotonic() };
}

/**
 * Milliseconds since a moment, by whichever clock shows more: the machine's clock may have been set back, and the monotonic one stops while the
 * machine sleeps. For limits that neither may stretch.
 */
export function elapsedMs({ now, monotonic }: Clock, since: Moment): number {
  return Math.max(now() - since.wall, monotonic() - since.monotonic);
}
