import { problemAnswer } from '../idempotency/answer.js';
import { type StoredAnswer } from '../idempotency/idempotency-key.js';
import { paymentToJson, type Payment } from '../payments/payment.js';
import { refundToJson, type Refund } from './refund.js';

/** The account that paid no longer accepts money; not everybody may see its state. */
const payerGone = new Set(['ACCOUNT_CLOSED', 'ACCOUNT_UNKNOWN']);
const ANOTHER_ACCOUNT =
  "If the payer's account is closed, a refund cannot reach it: pay another account of the payer instead (POST /payments, from the account " +
  'that was paid). This refund does not count towards the limit.';

/** The response for a refund that was made or has failed, both now and for repeats. */
export function refundAnswer(
  refund: Refund,
  payment: Payment,
  detail = 'The refund failed, and no money was moved.',
): StoredAnswer {
  const body = { ...refundToJson(refund), payment: paymentToJson(payment) };
  if (refund.status !== 'failed') return { status: 201, body };
  const advice = payerGone.has(refund.failure ?? '') ? `${detail} ${ANOTHER_ACCOUNT}` : detail;
  return problemAnswer(422, refund.failure ?? 'REFUND_FAILED', advice, { refund: body });
}
