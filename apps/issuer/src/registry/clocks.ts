/** Seconds by which the clocks of replicas and database may differ. */
export const CLOCK_TOLERANCE_SECONDS = 5;
