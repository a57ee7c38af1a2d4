export const STEP_LEASE = Symbol('countersign.payments.step-lease');

/** Until when a request that takes a step now has it, and its Idempotency-Key, to itself; then its retry, or recovery, takes it up. */
export type StepLease = (now: Date) => Date;

const CHECK_AGAIN_MS = 10_000;

/** When recovery checks again what was not answered: in 10 to 20 seconds, so that what failed together does not come back together. */
export function checkAgainAt(now: Date): Date {
  return new Date(now.getTime() + CHECK_AGAIN_MS * (1 + Math.random()));
}

/** @param ms milliseconds that a step's runner has */
export function stepLeaseOf(ms: number): StepLease {
  return (now) => new Date(now.getTime() + ms);
}
