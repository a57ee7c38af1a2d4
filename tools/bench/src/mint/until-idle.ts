import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 20;
/** Share of a core below which nothing more than timers runs. */
const IDLE_SHARE = 0.15;
/** Looks in a row that must find it idle. */
const IDLE_LOOKS = 3;
const LIMIT_MS = 5_000;

/** Milliseconds, and a wait of as many. */
export interface Clock {
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

const real: Clock = { now: () => performance.now(), pause: (ms) => delay(ms) };

/**
 * Waits until processes have nothing left to do, for at most five seconds.
 * @param used seconds of CPU that they have used so far; NaN where nobody knows, and then it does not wait
 * @returns seconds until they were idle
 */
export async function untilIdle(used: () => number, { now, pause } = real): Promise<number> {
  const begun = now();
  let [seen, at, busyUntil] = [used(), begun, begun];
  for (let idle = 0; idle < IDLE_LOOKS && at - begun < LIMIT_MS;) {
    await pause(EVERY_MS);
    const [nowUsed, time] = [used(), now()];
    const isBusy = (nowUsed - seen) * 1_000 > (time - at) * IDLE_SHARE;
    idle = isBusy ? 0 : idle + 1;
    [seen, at] = [nowUsed, time];
    if (isBusy) busyUntil = time;
  }
  return (busyUntil - begun) / 1_000;
}
