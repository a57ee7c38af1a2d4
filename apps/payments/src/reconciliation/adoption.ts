import { beginRefund, endRefund, applyTransfer } from '../payments/payment-steps.js';
import { paymentIdSchema, type Payment } from '../payments/payment.js';
import { changedRefund, refundIdSchema, type Refund } from '../refunds/refund.js';
import { stateOf, type LedgerTransfer } from '../accounts/ledger-transfer.js';

/**
 * The client that the subject used: the actor before payments. A subject without one is its own client.
 * @param ownClientId payments' own
 */
function clientOf({ subject, actors }: LedgerTransfer, ownClientId: string): string {
  return actors.find((actor) => actor !== ownClientId) ?? subject;
}

function behalfOf(transfer: LedgerTransfer, ownClientId: string) {
  const { subject, txn } = transfer;
  const clientId = clientOf(transfer, ownClientId);
  const actors = transfer.actors.filter((actor) => actor !== ownClientId);
  return { subject, clientId, actors, txn };
}

/** The payment that a transfer belongs to, under the transfer's id, because payments requests a payment's transfer under the payment's own id. */
export function paymentOf(transfer: LedgerTransfer, ownClientId: string, now: Date): Payment | undefined {
  const { id, leg, holdExpiresAt, createdAt, reference, corrects } = transfer;
  if (leg === null || corrects !== null) return undefined;
  const holdSeconds =
    holdExpiresAt === null ? null : Math.round((holdExpiresAt.getTime() - createdAt.getTime()) / 1_000);
  // A hold is released or expires after the response that reported it to its client.
  const wasHeld = transfer.status === 'voided' || transfer.status === 'expired';
  const begun: Payment = {
    id: paymentIdSchema.parse(id),
    status: wasHeld ? 'held' : 'created',
    capture: holdSeconds === null ? 'automatic' : 'manual',
    transferId: id,
    fromAccount: leg.debitAccount,
    toAccount: leg.creditAccount,
    amount: leg.amount,
    captured: 0n,
    refunded: 0n,
    refunding: 0n,
    currency: leg.currency,
    reference,
    failure: null,
    pending: null,
    pendingAmount: null,
    holdSeconds,
    expiresAt: holdExpiresAt,
    orderUntil: now,
    dueAt: null,
    version: 1,
    ...behalfOf(transfer, ownClientId),
    createdAt,
    updatedAt: now,
  };
  return applyTransfer(begun, stateOf(transfer), now);
}

/** A refund recreated from its transfer, and the payment that includes it. @returns undefined if it does not match the payment */
export function refundOf(
  transfer: LedgerTransfer,
  payment: Payment,
  ownClientId: string,
  now: Date,
): { readonly refund: Refund; readonly payment: Payment } | undefined {
  const { id, leg, moved, createdAt, reference, corrects, status } = transfer;
  if (leg === null || moved === null || status !== 'posted' || corrects !== payment.transferId) return undefined;
  const begun = beginRefund(payment, { amount: moved, currency: leg.currency }, now);
  if (!begun.ok) return undefined;
  const created: Refund = {
    id: refundIdSchema.parse(id),
    paymentId: payment.id,
    status: 'created',
    transferId: id,
    amount: moved,
    currency: leg.currency,
    reason: reference,
    failure: null,
    orderUntil: now,
    dueAt: null,
    version: 1,
    ...behalfOf(transfer, ownClientId),
    createdAt,
    updatedAt: now,
  };
  const refund = changedRefund(created, { status: 'settled' }, now);
  const after = endRefund({ ...begun.payment, version: payment.version }, moved, true, now);
  return { refund, payment: after };
}
