/** The two clocks of a process. */
export interface Clock {
  /** Milliseconds since 1970, by the machine's clock: for `exp`, `iat` and the like. It can be set back or forward at any time. */
  readonly now: () => number;
  /** Milliseconds since some moment, never going back: for durations. It can stand still while the machine sleeps. */
  readonly monotonic: () => number;
}

/** What every duration is measured with unless a test passes its own clock. */
export const monotonicClock = (): number => performance.now();

/** A moment, by both clocks. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

export function momentOf({ now, monotonic }: Clock): Moment {
  return { wall: now(), monotonic: monotonic() };
}

/**
 * Milliseconds since a moment, by whichever clock says more: the machine's clock may have been set back meanwhile, and the monotonic one
 * stands still while the machine sleeps. For limits that must not be stretched by either.
 */
export function elapsedMs({ now, monotonic }: Clock, since: Moment): number {
  return Math.max(now() - since.wall, monotonic() - since.monotonic);
}
