/** How an endpoint has answered lately, as all replicas know it. */
export interface EndpointHealth {
  /** Attempts without success since its last success; one without any answer counts for {@link TROUBLE}. */
  readonly failures: number;
  /** Nothing is sent to it before; set until it succeeds again, also when the time is over. */
  readonly restUntil: Date | null;
}

/** What an endpoint made of an attempt: took it, answered with an error, or did not answer. */
export type Reception = 'taken' | 'refused' | 'silent';

/** Refusals in a row after which an endpoint rests; one that is silent rests at once. */
export const TROUBLE = 5;
const FIRST_REST_MS = 5_000;
/** Milliseconds that an endpoint rests at most: after its recovery it may take this long until it is tried again. */
export const LONGEST_REST_MS = 10 * 60_000;

export const healthy: EndpointHealth = { failures: 0, restUntil: null };

/**
 * The endpoint's health after an attempt. Attempts that were in progress together begin from the same health, so that they count once.
 * @param random 0 to 1: half of a rest is certain, half by chance, so that endpoints which failed together do not come back together
 */
export function healthAfter(before: EndpointHealth, reception: Reception, now: Date, random: number): EndpointHealth {
  if (reception === 'taken') return healthy;
  const failures = reception === 'silent' ? Math.max(before.failures, TROUBLE - 1) + 1 : before.failures + 1;
  if (failures < TROUBLE) return { failures, restUntil: before.restUntil };
  const rest = Math.min(FIRST_REST_MS * 2 ** Math.min(failures - TROUBLE, 20), LONGEST_REST_MS);
  return { failures, restUntil: new Date(now.getTime() + rest * (0.5 + random / 2)) };
}
