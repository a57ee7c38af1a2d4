/** The two clocks of a process. */
export interface Clock {
  /** Milliseconds since 1970, by the machine's clock: for `exp`, `iat` and the like. It can be set back or forward at any time. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock, for durations. It can stop while the machine sleeps. */
  readonly monotonic: () => number;
}

/** The default clock for durations; tests pass their own. */
export const monotonicClock = (): number => performance.now();

/** Maximum uses of one reading, so that time moves on within a long computation. */
const USES_OF_A_READING = 500;
const ownNow = Date.now;
/** A test's stand-in may move at any time, so it is read each time. */
const isOwnNative = Function.prototype.toString.call(ownNow).includes('[native code]');
const settled = Promise.resolve();
let wall = 0;
let sinceStart = 0;
let uses = 0;

function forget(): void {
  uses = 0;
}

function look(): void {
  wall = Date.now();
  sinceStart = performance.now();
  if (!isOwnNative || Date.now !== ownNow) {
    uses = Math.min(uses, 1);
    return;
  }
  if (uses === 0) void settled.then(forget);
  uses = USES_OF_A_READING;
}

/**
 * The real clocks, read once for all requests that are served together: reading a clock costs as much as the rest of a decision about a
 * repeated caller. A reading lasts until the queued microtasks have run. A test that replaces `Date` gets its own time at once.
 */
export const turnClock: Clock = {
  now: () => {
    if (uses <= 1 || Date.now !== ownNow) look();
    else uses -= 1;
    return wall;
  },
  monotonic: () => {
    if (uses <= 1 || Date.now !== ownNow) look();
    else uses -= 1;
    return sinceStart;
  },
};

/** A moment, by both clocks. */
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
