/** How an endpoint has responded lately, shared by all replicas. */
export interface EndpointHealth {
  /** Attempts without success since its last success; one without any response counts as {@link TROUBLE}. */
  readonly failures: number;
  /** Nothing is sent to it before then; stays set until it succeeds, even after the time has passed. */
  readonly restUntil: Date | null;
}

/** An endpoint's reaction to an attempt: accepted it, responded with an error, or did not respond. */
export type Reception = 'taken' | 'refused' | 'silent';

/** Consecutive refusals after which an endpoint is paused; a silent one is paused immediately. */
export const TROUBLE = 5;
const FIRST_REST_MS = 5_000;
/** Maximum milliseconds of a pause: after an endpoint recovers, it may take this long until it is tried again. */
export const LONGEST_REST_MS = 10 * 60_000;

export const healthy: EndpointHealth = { failures: 0, restUntil: null };

/**
 * The endpoint's health after an attempt. Concurrent attempts start from the same health, so that they count once.
 * @param random 0 to 1: half of a pause is fixed, half random, so that endpoints which failed together are not retried together
 */
export function healthAfter(before: EndpointHealth, reception: Reception, now: Date, random: number): EndpointHealth {
  if (reception === 'taken') return healthy;
  const failures = reception === 'silent' ? Math.max(before.failures, TROUBLE - 1) + 1 : before.failures + 1;
  if (failures < TROUBLE) return { failures, restUntil: before.restUntil };
  const rest = Math.min(FIRST_REST_MS * 2 ** Math.min(failures - TROUBLE, 20), LONGEST_REST_MS);
  return { failures, restUntil: new Date(now.getTime() + rest * (0.5 + random / 2)) };
}
