import { Problem } from '@countersign/service-host';
import { type StepRefusal } from './payment-steps.js';
import { paymentToJson, type Payment } from './payment.js';

/** The response to a step that the payment's state does not allow: 409 for its state, 422 for an amount. */
const refusals: Readonly<Record<StepRefusal, readonly [status: 409 | 422, detail: string]>> = {
  PAYMENT_NOT_HELD: [409, 'Only a held payment can be captured or cancelled.'],
  PAYMENT_BUSY: [
    409,
    'Another capture or cancellation of this payment is in progress; send the same request again with the same Idempotency-Key.',
  ],
  PAYMENT_NOT_SETTLED: [409, 'Only a settled payment can be refunded.'],
  AMOUNT_ABOVE_HOLD: [422, 'The amount must not exceed what is held.'],
  REFUND_ABOVE_PAYMENT: [422, 'All refunds together must not exceed the captured amount.'],
  REFUND_LIMIT: [422, 'This payment has reached the maximum number of refunds; failed refunds do not count.'],
  CURRENCY_MISMATCH: [422, 'The amount must have the currency of the payment.'],
};

export function refusalProblem(refusal: StepRefusal, payment: Payment): Problem {
  const [status, detail] = refusals[refusal];
  return new Problem(status, refusal, detail, { payment: paymentToJson(payment) });
}
