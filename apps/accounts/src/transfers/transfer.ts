import { moneySchema, moneyToJson, type Currency, type Money, type MoneyJson } from '@countersign/money';
import { z } from 'zod';
import { accountIdSchema, mayStandAt, type Account, type AccountId } from '../accounts/account.js';

export const transferIdSchema = z.uuid().brand('TransferId');
export type TransferId = z.infer<typeof transferIdSchema>;

/** What `POST /transfers` takes. The client chooses `id`: sending the same transfer again posts nothing twice. */
export const postTransferSchema = z.strictObject({
  id: transferIdSchema,
  debit_account: accountIdSchema,
  credit_account: accountIdSchema,
  amount: moneySchema,
  reference: z.string().max(140).default(''),
});
export type PostTransfer = z.infer<typeof postTransferSchema>;

export interface Transfer {
  readonly id: TransferId;
  readonly debitAccount: AccountId;
  readonly creditAccount: AccountId;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly reference: string;
  readonly subject: string;
  readonly clientId: string;
  readonly actors: readonly string[];
  readonly txn: string;
  readonly postedAt: Date;
}

export interface NewEntry {
  readonly accountId: AccountId;
  readonly side: 'debit' | 'credit';
  readonly amount: bigint;
  /** The account's credits less debits once this entry stands. */
  readonly balanceAfter: bigint;
}

export type TransferRefusal =
  'ACCOUNT_UNKNOWN' | 'SAME_ACCOUNT' | 'CURRENCY_MISMATCH' | 'INSUFFICIENT_FUNDS' | 'BALANCE_LIMIT';
export type Posting =
  | { readonly ok: true; readonly entries: readonly [NewEntry, NewEntry] }
  | { readonly ok: false; readonly refusal: TransferRefusal };

/** Balances keep a wide berth of what a 64-bit integer holds. */
const balanceLimit = 4_000_000_000_000_000_000n;

/**
 * The double entry of a transfer: one debit and one credit of the same amount, or the reason why it may not be.
 * Pure: the caller holds both accounts locked.
 */
export function post(money: Money, debit: Account | undefined, credit: Account | undefined): Posting {
  if (debit === undefined || credit === undefined) return { ok: false, refusal: 'ACCOUNT_UNKNOWN' };
  if (debit.id === credit.id) return { ok: false, refusal: 'SAME_ACCOUNT' };
  if (debit.currency !== money.currency || credit.currency !== money.currency) {
    return { ok: false, refusal: 'CURRENCY_MISMATCH' };
  }
  const debited = debit.creditsMinusDebits - money.amount;
  const credited = credit.creditsMinusDebits + money.amount;
  if (debited < -balanceLimit || credited > balanceLimit) return { ok: false, refusal: 'BALANCE_LIMIT' };
  if (!mayStandAt(debit, debited) || !mayStandAt(credit, credited)) return { ok: false, refusal: 'INSUFFICIENT_FUNDS' };
  return {
    ok: true,
    entries: [
      { accountId: debit.id, side: 'debit', amount: money.amount, balanceAfter: debited },
      { accountId: credit.id, side: 'credit', amount: money.amount, balanceAfter: credited },
    ],
  };
}

/** Whether a command asks for exactly the transfer that already stands under its id. */
export function isSameTransfer(transfer: Transfer, command: PostTransfer): boolean {
  return (
    transfer.debitAccount === command.debit_account &&
    transfer.creditAccount === command.credit_account &&
    transfer.amount === command.amount.amount &&
    transfer.currency === command.amount.currency &&
    transfer.reference === command.reference
  );
}

export interface TransferJson {
  readonly id: string;
  readonly status: 'posted';
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: MoneyJson;
  readonly reference: string;
  readonly posted_at: string;
}

export function transferToJson(transfer: Transfer): TransferJson {
  return {
    id: transfer.id,
    status: 'posted',
    debit_account: transfer.debitAccount,
    credit_account: transfer.creditAccount,
    amount: moneyToJson(transfer.amount, transfer.currency),
    reference: transfer.reference,
    posted_at: transfer.postedAt.toISOString(),
  };
}
