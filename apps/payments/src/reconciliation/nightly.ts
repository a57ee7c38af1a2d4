const DAY_MS = 86_400_000;

/**
 * When the next nightly run starts.
 * @param hour of the day, UTC, 0 to 23
 */
export function nextNightlyRun(now: Date, hour: number): Date {
  const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), hour);
  return new Date(today > now.getTime() ? today : today + DAY_MS);
}
