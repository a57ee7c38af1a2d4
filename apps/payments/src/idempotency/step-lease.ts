export const STEP_LEASE = Symbol('countersign.payments.step-lease');

/** Until when a request that starts a step now holds it, and its Idempotency-Key, exclusively; then a retry, or recovery, takes over. */
export type StepLease = (now: Date) => Date;

const CHECK_AGAIN_MS = 10_000;

/** When recovery checks an unanswered step again: in 10 to 20 seconds, so that steps that failed together are not retried together. */
export function checkAgainAt(now: Date): Date {
  return new Date(now.getTime() + CHECK_AGAIN_MS * (1 + Math.random()));
}

/** @param ms milliseconds for a step */
export function stepLeaseOf(ms: number): StepLease {
  return (now) => new Date(now.getTime() + ms);
}
