import { ownerOf, type Owner } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { paymentToJson, type Payment } from '../payments/payment.js';
import { refundToJson, type Refund } from '../refunds/refund.js';

/** What a merchant can be told. */
export const noticeTypes = [
  'payment.held',
  'payment.settled',
  'payment.failed',
  'payment.cancelled',
  'payment.expired',
  'refund.settled',
  'refund.failed',
] as const;
export type NoticeType = (typeof noticeTypes)[number];

/** One thing to tell, as it is sent: the same bytes to every endpoint and in every attempt. */
export interface Notice {
  readonly id: string;
  readonly type: NoticeType;
  /** Whose payment it is about. */
  readonly owner: Owner;
  readonly paymentId: string;
  readonly body: string;
  readonly createdAt: Date;
}

/** @param refund for `refund.…` only */
export function noticeOf(type: NoticeType, payment: Payment, now: Date, refund?: Refund): Notice {
  const id = uuidv7(now.getTime());
  const data = { payment: paymentToJson(payment), ...(refund === undefined ? {} : { refund: refundToJson(refund) }) };
  return {
    id,
    type,
    owner: ownerOf(payment),
    paymentId: payment.id,
    body: JSON.stringify({ id, type, created_at: now.toISOString(), data }),
    createdAt: now,
  };
}

const ofStatus: Readonly<Record<Payment['status'], NoticeType | undefined>> = {
  created: undefined,
  held: 'payment.held',
  settled: 'payment.settled',
  failed: 'payment.failed',
  cancelled: 'payment.cancelled',
  expired: 'payment.expired',
  partially_refunded: undefined,
  refunded: undefined,
};

/** What the merchant is told when the payment's status has changed. */
export function noticeOfStatus(before: Payment, after: Payment, now: Date): Notice | undefined {
  const type = before.status === after.status ? undefined : ofStatus[after.status];
  return type === undefined ? undefined : noticeOf(type, after, now);
}
