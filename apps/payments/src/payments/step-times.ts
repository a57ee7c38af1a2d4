import { type Caller } from '@countersign/service-host';
import { orderUntil } from '../accounts/finality.js';
import { type StepLease } from '../idempotency/step-lease.js';
import { type StepTimes } from './payment-steps.js';

/** The times of a step that a caller starts: its order may be carried out as long as their token, and the step is theirs as long as the lease. */
export function stepTimesOf({ principal }: Caller, now: Date, lease: StepLease): StepTimes {
  return { orderUntil: orderUntil(principal), dueAt: lease(now) };
}
