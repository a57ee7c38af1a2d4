import { ownerOf, type Owner } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';

/** What a merchant can be notified of. */
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

/** One notice as sent: the same bytes to every endpoint and in every attempt. */
export interface Notice {
  readonly id: string;
  readonly type: NoticeType;
  /** Whose payment it is about. */
  readonly owner: Owner;
  readonly paymentId: string;
  readonly body: string;
  readonly createdAt: Date;
}

/**
 * Creates a notice.
 * @param about the payment; `data` contains it as JSON, with anything else that the merchant is shown
 */
export function makeNotice(
  type: NoticeType,
  about: { readonly id: string; readonly subject: string; readonly clientId: string },
  data: Readonly<Record<string, unknown>>,
  now: Date,
): Notice {
  const id = uuidv7(now.getTime());
  return {
    id,
    type,
    owner: ownerOf(about),
    paymentId: about.id,
    body: JSON.stringify({ id, type, created_at: now.toISOString(), data }),
    createdAt: now,
  };
}
