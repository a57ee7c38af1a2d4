import { type Caller } from '@countersign/service-host';
import { orderUntil } from '../accounts/finality.js';
import { type StepLease } from '../idempotency/step-lease.js';
import { type StepTimes } from './payment-steps.js';

/** The times of a step started by a caller: its request may be executed while their token is valid, and they hold the step until the lease expires. */
export function stepTimesOf({ principal }: Caller, now: Date, lease: StepLease): StepTimes {
  return { orderUntil: orderUntil(principal), dueAt: lease(now) };
}
