import { moneySchema, moneyToJson, type Currency, type MoneyJson } from '@countersign/money';
import { idSchema } from '@countersign/service-host';
import { z } from 'zod';

export const paymentIdSchema = idSchema.brand('PaymentId');
export type PaymentId = z.infer<typeof paymentIdSchema>;

export const paymentStatuses = [
  'created',
  'held',
  'settled',
  'partially_refunded',
  'refunded',
  'failed',
  'cancelled',
  'expired',
] as const;
/** See payment-steps.ts for the transitions. */
export type PaymentStatus = (typeof paymentStatuses)[number];

/** `automatic` settles immediately; `manual` holds the money until it is captured or cancelled, or the hold expires. */
export type CaptureMode = 'automatic' | 'manual';

export interface Payment {
  readonly id: PaymentId;
  readonly status: PaymentStatus;
  readonly capture: CaptureMode;
  /** Chosen before accounts is called, so that the same transfer can be sent again and is posted once. */
  readonly transferId: string;
  readonly fromAccount: string;
  readonly toAccount: string;
  /** Minor units, like the three sums below. */
  readonly amount: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Reserved by refunds that are in progress. */
  readonly refunding: bigint;
  readonly currency: Currency;
  readonly reference: string;
  readonly failure: string | null;
  /** The pending step of the hold, which must be finished. */
  readonly pending: 'capture' | 'cancel' | null;
  readonly pendingAmount: bigint | null;
  /** The requested length of a hold, in seconds. */
  readonly holdSeconds: number | null;
  /** When the hold runs out. */
  readonly expiresAt: Date | null;
  /**
   * Until this time an unanswered request to accounts may still be executed, because its token is valid that long.
   * If it is in the past, none can still arrive, and accounts' answer is final.
   */
  readonly orderUntil: Date;
  /** When recovery checks it; null if there is nothing to do. */
  readonly dueAt: Date | null;
  /** Incremented with each change. */
  readonly version: number;
  readonly subject: string;
  readonly clientId: string;
  readonly actors: string[];
  readonly txn: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Length of a hold in seconds: a minute to thirty days, a week by default. */
export const holdLimits = { min: 60, max: 30 * 86_400, default: 7 * 86_400 } as const;

/** The body of `POST /payments`: money from one account to another. */
export const createPaymentSchema = z
  .strictObject({
    amount: moneySchema,
    from: idSchema,
    to: idSchema,
    reference: z.string().max(140).default(''),
    capture: z.enum(['automatic', 'manual']).default('automatic'),
    /** Seconds for which the money stays held if it is captured manually. */
    hold_seconds: z.int().min(holdLimits.min).max(holdLimits.max).optional(),
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another account than from' })
  .refine(({ capture, hold_seconds }) => capture === 'manual' || hold_seconds === undefined, {
    path: ['hold_seconds'],
    message: 'is only allowed with capture: manual',
  });
export type CreatePayment = z.infer<typeof createPaymentSchema>;

/** The body of `POST /payments/{id}/capture`: an amount less than was held, or empty for all of it. */
export const capturePaymentSchema = z.strictObject({ amount: moneySchema.optional() });
export type CapturePayment = z.infer<typeof capturePaymentSchema>;

/** The body of `POST /payments/{id}/cancel`: empty. */
export const cancelPaymentSchema = z.strictObject({});

/** The members that identify a request. */
export function membersOf(command: CreatePayment): readonly string[] {
  const { amount, from, to, reference, capture, hold_seconds } = command;
  const before = [amount.amount.toString(), amount.currency, from, to, reference];
  return capture === 'automatic' ? before : [...before, capture, String(hold_seconds ?? holdLimits.default)];
}

export interface PaymentJson {
  readonly id: string;
  readonly status: PaymentStatus;
  readonly capture: CaptureMode;
  readonly amount: MoneyJson;
  readonly captured: MoneyJson;
  readonly refunded: MoneyJson;
  readonly from: string;
  readonly to: string;
  readonly reference: string;
  readonly transfer_id: string;
  readonly failure: string | null;
  readonly expires_at: string | null;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

export function paymentToJson(payment: Payment): PaymentJson {
  return {
    id: payment.id,
    status: payment.status,
    capture: payment.capture,
    amount: moneyToJson(payment.amount, payment.currency),
    captured: moneyToJson(payment.captured, payment.currency),
    refunded: moneyToJson(payment.refunded, payment.currency),
    from: payment.fromAccount,
    to: payment.toAccount,
    reference: payment.reference,
    transfer_id: payment.transferId,
    failure: payment.failure,
    expires_at: payment.expiresAt?.toISOString() ?? null,
    version: payment.version,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
  };
}
