import { moneySchema, moneyToJson, type Currency, type MoneyJson } from '@countersign/money';
import { idSchema, pageOf } from '@countersign/service-host';
import { z } from 'zod';
import { type PaymentId } from '../payments/payment.js';

export const refundIdSchema = idSchema.brand('RefundId');
export type RefundId = z.infer<typeof refundIdSchema>;

/** The body of `POST /payments/{id}/refund`: an amount, or empty for everything that may still be refunded. */
export const createRefundSchema = z.strictObject({
  amount: moneySchema.optional(),
  reason: z.string().max(140).default(''),
});
export type CreateRefund = z.infer<typeof createRefundSchema>;

/** Maximum refunds of one page. */
const REFUND_PAGE_LIMIT = 200;

/** `GET /payments/{id}/refunds`: oldest first; `cursor` is the `next_cursor` of the previous page. */
export const listRefundsSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(REFUND_PAGE_LIMIT).default(100),
  cursor: refundIdSchema.optional(),
});
export type ListRefunds = z.infer<typeof listRefundsSchema>;

/** created → settled, or created → failed; both are final. */
export type RefundStatus = 'created' | 'settled' | 'failed';

export interface Refund {
  readonly id: RefundId;
  readonly paymentId: PaymentId;
  readonly status: RefundStatus;
  readonly transferId: string;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly reason: string;
  readonly failure: string | null;
  /** Like a payment's: until then an unanswered request may still be executed. */
  readonly orderUntil: Date;
  readonly dueAt: Date | null;
  readonly version: number;
  readonly subject: string;
  readonly clientId: string;
  readonly actors: string[];
  readonly txn: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The refund's next version. @throws if it has ended, because an ended refund never changes */
export function changedRefund(
  refund: Refund,
  change: Partial<Pick<Refund, 'status' | 'failure' | 'orderUntil' | 'dueAt'>>,
  now: Date,
): Refund {
  if (refund.status !== 'created') throw new Error(`a ${refund.status} refund cannot change`);
  return { ...refund, ...change, version: refund.version + 1, updatedAt: now };
}

export interface RefundJson {
  readonly id: string;
  readonly payment_id: string;
  readonly status: RefundStatus;
  readonly amount: MoneyJson;
  readonly reason: string;
  readonly transfer_id: string;
  readonly failure: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export function refundToJson(refund: Refund): RefundJson {
  return {
    id: refund.id,
    payment_id: refund.paymentId,
    status: refund.status,
    amount: moneyToJson(refund.amount, refund.currency),
    reason: refund.reason,
    transfer_id: refund.transferId,
    failure: refund.failure,
    created_at: refund.createdAt.toISOString(),
    updated_at: refund.updatedAt.toISOString(),
  };
}

export interface RefundPageJson {
  readonly refunds: readonly RefundJson[];
  readonly next_cursor: string | null;
}

/** @param found one more than the page holds, if another page follows */
export function refundPageToJson(found: readonly Refund[], limit: number): RefundPageJson {
  const { rows, last } = pageOf(found, limit);
  return { refunds: rows.map(refundToJson), next_cursor: last?.id ?? null };
}
