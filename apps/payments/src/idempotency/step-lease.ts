export const STEP_LEASE = Symbol('countersign.payments.step-lease');

/** Until when a request that takes a step now has it, and its Idempotency-Key, to itself; then its retry, or recovery, takes it up. */
export type StepLease = (now: Date) => Date;

/** @param ms milliseconds that a step's runner has */
export function stepLeaseOf(ms: number): StepLease {
  return (now) => new Date(now.getTime() + ms);
}
