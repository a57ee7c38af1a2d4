import { type Money } from '@countersign/money';
import { type TransferState } from '../accounts/transfer-state.js';
import { type Payment, type PaymentStatus } from './payment.js';

/** A payment's transitions, as drawn in docs/payments.md and enforced by the database's trigger. */
export const paymentSteps = {
  hold: [['created', 'held']],
  settle: [
    ['created', 'settled'],
    ['held', 'settled'],
  ],
  fail: [['created', 'failed']],
  cancel: [['held', 'cancelled']],
  expire: [['held', 'expired']],
  refund: [
    ['settled', 'partially_refunded'],
    ['settled', 'refunded'],
    ['partially_refunded', 'refunded'],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [PaymentStatus, PaymentStatus])[]>>;

const ways = new Set(
  Object.values(paymentSteps)
    .flat()
    .map(([from, to]) => `${from}>${to}`),
);

/** Whether a status may change to another; staying the same is always allowed. */
export function mayBecome(from: PaymentStatus, to: PaymentStatus): boolean {
  return from === to || ways.has(`${from}>${to}`);
}

export type StepRefusal =
  | 'PAYMENT_NOT_HELD'
  | 'PAYMENT_BUSY'
  | 'PAYMENT_NOT_SETTLED'
  | 'AMOUNT_ABOVE_HOLD'
  | 'REFUND_ABOVE_PAYMENT'
  | 'REFUND_LIMIT'
  | 'CURRENCY_MISMATCH';
export type Step =
  { readonly ok: true; readonly payment: Payment } | { readonly ok: false; readonly refusal: StepRefusal };

/** A step's times: until when its request may be executed, and when recovery checks it unless it has ended. */
export interface StepTimes {
  readonly orderUntil: Date;
  readonly dueAt: Date;
}

const refuse = (refusal: StepRefusal): Step => ({ ok: false, refusal });

function changed(payment: Payment, change: Partial<Payment>, now: Date): Payment {
  const next = { ...payment, ...change, version: payment.version + 1, updatedAt: now };
  if (!mayBecome(payment.status, next.status))
    throw new Error(`a ${payment.status} payment cannot become ${next.status}`);
  return next;
}

/** Whether accounts' answer is now final: no earlier, unanswered request can still be executed after it. */
export function isCertain(step: Pick<Payment, 'orderUntil'>, now: Date): boolean {
  return step.orderUntil <= now;
}

const later = (one: Date, other: Date): Date => (one > other ? one : other);

/** Resumes what an earlier request left, with another request to accounts. */
export function resume(payment: Payment, { orderUntil, dueAt }: StepTimes, now: Date): Payment {
  return changed(payment, { orderUntil: later(payment.orderUntil, orderUntil), dueAt }, now);
}

/** The request has failed for now. `sent`: it may have reached accounts; otherwise the next one counts as the first. */
export function postpone(payment: Payment, sent: boolean, until: Date, now: Date): Payment {
  return changed(payment, { dueAt: until, ...(sent ? {} : { orderUntil: now }) }, now);
}

/** Starts capturing a held payment, in full or in part; the rest is released. */
export function beginCapture(payment: Payment, amount: Money | undefined, times: StepTimes, now: Date): Step {
  if (payment.status !== 'held') return refuse('PAYMENT_NOT_HELD');
  if (payment.pending !== null) return refuse('PAYMENT_BUSY');
  if (amount !== undefined && amount.currency !== payment.currency) return refuse('CURRENCY_MISMATCH');
  const captured = amount?.amount ?? payment.amount;
  if (captured > payment.amount) return refuse('AMOUNT_ABOVE_HOLD');
  return {
    ok: true,
    payment: changed(payment, { pending: 'capture', pendingAmount: captured, ...times }, now),
  };
}

/** Starts releasing a held payment's money. */
export function beginCancel(payment: Payment, times: StepTimes, now: Date): Step {
  if (payment.status !== 'held') return refuse('PAYMENT_NOT_HELD');
  if (payment.pending !== null) return refuse('PAYMENT_BUSY');
  return { ok: true, payment: changed(payment, { pending: 'cancel', ...times }, now) };
}

/** Reserves a refund, so that concurrent refunds together never exceed the captured amount. */
export function beginRefund(payment: Payment, amount: Money, now: Date): Step {
  if (payment.status !== 'settled' && payment.status !== 'partially_refunded') return refuse('PAYMENT_NOT_SETTLED');
  if (amount.currency !== payment.currency) return refuse('CURRENCY_MISMATCH');
  // Nothing is left while other refunds reserve the rest.
  if (amount.amount === 0n || amount.amount > refundable(payment)) return refuse('REFUND_ABOVE_PAYMENT');
  return { ok: true, payment: changed(payment, { refunding: payment.refunding + amount.amount }, now) };
}

/** Minor units that may still be refunded. */
export function refundable(payment: Payment): bigint {
  return payment.captured - payment.refunded - payment.refunding;
}

/** A reserved refund that was paid, or was refused and released. */
export function endRefund(payment: Payment, amount: bigint, paid: boolean, now: Date): Payment {
  const refunding = payment.refunding - amount;
  if (!paid) return changed(payment, { refunding }, now);
  const refunded = payment.refunded + amount;
  const status = refunded === payment.captured ? 'refunded' : 'partially_refunded';
  return changed(payment, { refunding, refunded, status }, now);
}

/**
 * The payment's new state, given its transfer's state: the ledger is authoritative, the payment follows it.
 * `refused` and `absent` are passed only if no earlier request can still arrive ({@link isCertain}).
 * @returns the same payment if nothing changes
 */
export function applyTransfer(payment: Payment, transfer: TransferState, now: Date): Payment {
  if (payment.status !== 'created' && payment.status !== 'held') return payment;
  const ended = { dueAt: null, pending: null, pendingAmount: null };
  switch (transfer.kind) {
    case 'posted':
      return changed(
        payment,
        { ...ended, status: 'settled', captured: transfer.amount ?? payment.pendingAmount ?? payment.amount },
        now,
      );
    case 'held':
      if (payment.status === 'held') return payment;
      return changed(payment, { status: 'held', expiresAt: transfer.expiresAt, dueAt: transfer.expiresAt }, now);
    case 'voided':
      if (payment.status === 'created')
        return changed(payment, { ...ended, status: 'failed', failure: 'HOLD_VOIDED' }, now);
      return changed(payment, { ...ended, status: 'cancelled' }, now);
    case 'expired':
      if (payment.status === 'created')
        return changed(payment, { ...ended, status: 'failed', failure: 'HOLD_EXPIRED' }, now);
      return changed(payment, { ...ended, status: 'expired' }, now);
    case 'refused':
      if (payment.status === 'created')
        return changed(payment, { ...ended, status: 'failed', failure: transfer.code }, now);
      return changed(payment, { pending: null, pendingAmount: null, dueAt: payment.expiresAt }, now);
    case 'absent':
      if (payment.status === 'held') throw new Error('accounts does not know the transfer of a held payment');
      return changed(payment, { ...ended, status: 'failed', failure: 'PAYMENT_ABANDONED' }, now);
  }
}
