import { type Payment } from '../payments/payment.js';
import { type Refund } from '../refunds/refund.js';
import { type LedgerTransfer } from '../accounts/ledger-transfer.js';

/** Payments' record of a transfer: a payment, or a refund with its payment. */
export type Kept =
  | { readonly kind: 'payment'; readonly payment: Payment }
  | { readonly kind: 'refund'; readonly refund: Refund; readonly payment: Payment };

/** How the two sides differ, and what that means. */
const differenceCodes = {
  TRANSFER_MISSING: 'payments says that money moved or is held, but accounts has no such transfer',
  TRANSFER_DIFFERS: 'accounts has the transfer, but with another state, amount or accounts',
  RECORD_BEHIND: 'the transfer is further along than the payment or refund',
  RECORD_MISSING: 'accounts has a transfer made by payments, but payments has no payment or refund for it',
} as const;
export type DifferenceCode = keyof typeof differenceCodes;

/** How a difference can be repaired: recovery reads the transfer's state; a lost record is recreated from its transfer. */
export type Repair = 'attend' | 'adopt';

export interface Difference {
  readonly code: DifferenceCode;
  /** `payment/<id>`, `refund/<id>`, or `transfer/<id>` if there is no record. */
  readonly resource: string;
  readonly transferId: string;
  /** What payments keeps. */
  readonly kept: string;
  /** What accounts has. */
  readonly found: string;
  /** Nothing: a person must decide. */
  readonly repair: Repair | null;
}

const transferIdOf = (kept: Kept): string =>
  kept.kind === 'payment' ? kept.payment.transferId : kept.refund.transferId;
const statusOf = (kept: Kept): string => (kept.kind === 'payment' ? kept.payment.status : kept.refund.status);

/** The expected transfer, apart from its state. */
function expectedOf(kept: Kept): readonly string[] {
  const { payment } = kept;
  const { amount, currency } = kept.kind === 'payment' ? payment : kept.refund;
  const [debit, credit] =
    kept.kind === 'payment' ? [payment.fromAccount, payment.toAccount] : [payment.toAccount, payment.fromAccount];
  return [debit, credit, amount.toString(), currency, kept.kind === 'payment' ? '' : payment.transferId];
}

function orderedAs({ leg, corrects }: LedgerTransfer): readonly string[] {
  if (leg === null) return ['several legs'];
  return [leg.debitAccount, leg.creditAccount, leg.amount.toString(), leg.currency, corrects ?? ''];
}

/** Valid states of the transfer for the record: `absent` if it need not exist. */
function fitting(kept: Kept): readonly (LedgerTransfer['status'] | 'absent')[] {
  if (kept.kind === 'refund') {
    return kept.refund.status === 'settled' ? ['posted'] : ['absent'];
  }
  switch (kept.payment.status) {
    case 'created':
      return ['absent'];
    case 'held':
      return ['held'];
    case 'cancelled':
    case 'expired':
      return ['voided', 'expired'];
    case 'failed':
      return ['absent', 'voided', 'expired'];
    default:
      return ['posted'];
  }
}

/** Whether the record can still catch up with its transfer. */
function mayStillChange(kept: Kept): boolean {
  const status = statusOf(kept);
  return status === 'created' || status === 'held';
}

/**
 * Whether its request, or recovery, is working on it, so that a mismatch does not count as a difference yet. A hold unknown to accounts will not come
 * back, no matter how often its step is tried.
 */
export function isUnderWay(kept: Kept, transfer: LedgerTransfer | undefined, now: Date): boolean {
  if (transfer === undefined && statusOf(kept) === 'held') return false;
  const { dueAt, orderUntil } = kept.kind === 'payment' ? kept.payment : kept.refund;
  const begun = statusOf(kept) === 'created' || (kept.kind === 'payment' && kept.payment.pending !== null);
  return begun && ((dueAt !== null && dueAt > now) || orderUntil > now);
}

function textOf(kept: Kept): string {
  const { payment } = kept;
  const [amount, moved] =
    kept.kind === 'payment' ? [payment.amount, payment.captured] : [kept.refund.amount, kept.refund.amount];
  const of = kept.kind === 'payment' && moved > 0n && moved !== amount ? `${String(moved)} of ` : '';
  return `${statusOf(kept)}, ${of}${String(amount)} ${payment.currency}`;
}

function textOfTransfer(transfer: LedgerTransfer | undefined): string {
  if (transfer === undefined) return 'absent';
  const { status, leg, moved } = transfer;
  if (leg === null) return `${status}, several legs`;
  const of = moved !== null && moved !== leg.amount ? `${String(moved)} of ` : '';
  return `${status}, ${of}${String(leg.amount)} ${leg.currency}, ${leg.debitAccount} to ${leg.creditAccount}`;
}

/** A transfer without a record: if money moved or is held, the record can be recreated, provided that the transfer has the form that payments requests. */
function missing(transfer: LedgerTransfer): Difference {
  const adoptable = transfer.leg !== null && (transfer.corrects === null || transfer.status === 'posted');
  return {
    code: 'RECORD_MISSING',
    resource: `transfer/${transfer.id}`,
    transferId: transfer.id,
    kept: 'nothing',
    found: textOfTransfer(transfer),
    repair: adoptable ? 'adopt' : null,
  };
}

/**
 * How payments' record differs from accounts' transfer.
 * @param kept undefined if payments has no record for the transfer; then there is a transfer
 * @returns undefined if both agree
 */
export function differenceOf(kept: Kept | undefined, transfer: LedgerTransfer | undefined): Difference | undefined {
  if (kept === undefined) return transfer === undefined ? undefined : missing(transfer);
  const shown = {
    resource: kept.kind === 'payment' ? `payment/${kept.payment.id}` : `refund/${kept.refund.id}`,
    transferId: transferIdOf(kept),
    kept: textOf(kept),
    found: textOfTransfer(transfer),
  };
  const fits = fitting(kept).includes(transfer?.status ?? 'absent');
  if (transfer === undefined) return fits ? undefined : { code: 'TRANSFER_MISSING', ...shown, repair: null };
  if (expectedOf(kept).join() !== orderedAs(transfer).join())
    return { code: 'TRANSFER_DIFFERS', ...shown, repair: null };
  if (!fits && mayStillChange(kept)) return { code: 'RECORD_BEHIND', ...shown, repair: 'attend' };
  const moved = kept.kind === 'payment' ? kept.payment.captured : kept.refund.amount;
  const sameAmount = transfer.moved === null || transfer.moved === moved;
  return fits && sameAmount ? undefined : { code: 'TRANSFER_DIFFERS', ...shown, repair: null };
}
