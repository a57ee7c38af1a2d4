/** Seconds by which the clocks of replicas and database may differ. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** What a replica's clock shows that is as far behind as it may be. */
export const slowestClock = (now: Date): Date => new Date(now.getTime() - CLOCK_TOLERANCE_SECONDS * 1_000);
