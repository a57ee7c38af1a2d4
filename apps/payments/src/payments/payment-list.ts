import { idSchema, timeBoundSchema, pageOf } from '@countersign/service-host';
import { z } from 'zod';
import { paymentIdSchema, paymentStatuses, paymentToJson, type Payment, type PaymentJson } from './payment.js';

/** Maximum payments of one page. */
export const PAGE_LIMIT = 200;

/**
 * `GET /payments`: those within the caller's reach, newest first. `account` matches either side, `from` and `to` limit the time of creation (from is
 * inclusive, to exclusive), `cursor` is the `next_cursor` of the previous page.
 */
export const listPaymentsSchema = z.strictObject({
  status: z.enum(paymentStatuses).optional(),
  account: idSchema.optional(),
  reference: z.string().min(1).max(140).optional(),
  from: timeBoundSchema.optional(),
  to: timeBoundSchema.optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50),
  cursor: paymentIdSchema.optional(),
});
export type ListPayments = z.infer<typeof listPaymentsSchema>;

export interface PaymentPageJson {
  readonly payments: readonly PaymentJson[];
  readonly next_cursor: string | null;
}

/** @param found one more than the page holds, if another page follows */
export function pageToJson(found: readonly Payment[], limit: number): PaymentPageJson {
  const { rows, last } = pageOf(found, limit);
  return { payments: rows.map(paymentToJson), next_cursor: last?.id ?? null };
}
