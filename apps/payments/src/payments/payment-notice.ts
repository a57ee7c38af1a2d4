import { makeNotice, type Notice, type NoticeType } from '../webhooks/notice.js';
import { paymentToJson, type Payment } from './payment.js';

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

/** The notice to the merchant when the payment's status has changed. */
export function noticeOfStatus(before: Payment, after: Payment, now: Date): Notice | undefined {
  const type = before.status === after.status ? undefined : ofStatus[after.status];
  return type === undefined ? undefined : makeNotice(type, after, { payment: paymentToJson(after) }, now);
}
