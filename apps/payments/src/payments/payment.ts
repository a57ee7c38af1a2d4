import { moneySchema, moneyToJson, type Currency, type MoneyJson } from '@countersign/money';
import { z } from 'zod';

export const paymentIdSchema = z.uuid().brand('PaymentId');
export type PaymentId = z.infer<typeof paymentIdSchema>;

/** What `POST /payments` takes: money from one account to another. */
export const createPaymentSchema = z
  .strictObject({
    amount: moneySchema,
    from: z.uuid(),
    to: z.uuid(),
    reference: z.string().max(140).default(''),
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another account than from' });
export type CreatePayment = z.infer<typeof createPaymentSchema>;

/** created → settled, or created → failed; both are final. */
export type PaymentStatus = 'created' | 'settled' | 'failed';

export interface Payment {
  readonly id: PaymentId;
  readonly status: PaymentStatus;
  readonly transferId: string;
  readonly fromAccount: string;
  readonly toAccount: string;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly reference: string;
  readonly failure: string | null;
  readonly subject: string;
  readonly clientId: string;
  readonly actors: string[];
  readonly txn: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type Ending = { readonly status: 'settled' } | { readonly status: 'failed'; readonly failure: string };

/** The payment at its end. @throws when it has already ended otherwise: a payment's end never changes */
export function endPayment(payment: Payment, ending: Ending, now: Date): Payment {
  if (payment.status === ending.status) return payment;
  if (payment.status !== 'created') throw new Error(`a ${payment.status} payment cannot become ${ending.status}`);
  return {
    ...payment,
    status: ending.status,
    failure: ending.status === 'failed' ? ending.failure : null,
    updatedAt: now,
  };
}

/** The members that make two bodies the same request. */
export function membersOf(command: CreatePayment): readonly string[] {
  return [command.amount.amount.toString(), command.amount.currency, command.from, command.to, command.reference];
}

export interface PaymentJson {
  readonly id: string;
  readonly status: PaymentStatus;
  readonly amount: MoneyJson;
  readonly from: string;
  readonly to: string;
  readonly reference: string;
  readonly transfer_id: string;
  readonly failure: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export function paymentToJson(payment: Payment): PaymentJson {
  return {
    id: payment.id,
    status: payment.status,
    amount: moneyToJson(payment.amount, payment.currency),
    from: payment.fromAccount,
    to: payment.toAccount,
    reference: payment.reference,
    transfer_id: payment.transferId,
    failure: payment.failure,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
  };
}

/** `GET /payments`: the caller's own, newest first; `cursor` is the `next_cursor` of the page before. */
export const listPaymentsSchema = z.strictObject({
  status: z.enum(['created', 'settled', 'failed']).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: paymentIdSchema.optional(),
});
export type ListPayments = z.infer<typeof listPaymentsSchema>;

export interface PaymentPageJson {
  readonly payments: readonly PaymentJson[];
  readonly next_cursor: string | null;
}
