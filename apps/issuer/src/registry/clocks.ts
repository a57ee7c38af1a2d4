/** Seconds by which the clocks of replicas and database may differ. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** The time on a replica whose clock is as far behind as allowed. */
export const slowestClock = (now: Date): Date => new Date(now.getTime() - CLOCK_TOLERANCE_SECONDS * 1_000);
