import { type Originator } from '@countersign/auth-core';
import { moneyToJson, type Currency, type MoneyJson } from '@countersign/money';
import { idSchema } from '@countersign/service-host';
import { type z } from 'zod';
import { type AccountId } from '../accounts/account.js';
import { type Metadata } from '../metadata.js';

export const transferIdSchema = idSchema.brand('TransferId');
export type TransferId = z.infer<typeof transferIdSchema>;

/** One debit and one credit of the same amount: balanced by its shape. */
export interface Leg {
  readonly debitAccount: AccountId;
  readonly creditAccount: AccountId;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
}

/** The accounts of these legs, on either side, with duplicates. */
export function accountsOf(legs: readonly Leg[]): readonly AccountId[] {
  return legs.flatMap(({ debitAccount, creditAccount }) => [debitAccount, creditAccount]);
}

export const holdStatuses = ['held', 'posted', 'voided', 'expired'] as const;
export type HoldStatus = (typeof holdStatuses)[number];

/** Money reserved until it is posted, voided or expired; it ends once. */
export interface Hold {
  readonly status: HoldStatus;
  readonly expiresAt: Date;
  /** How much of a one-leg hold was posted. */
  readonly postedAmount: bigint | null;
  readonly endedAt: Date | null;
  /** Nobody, when it expired. */
  readonly endedBy: Originator | null;
}

export interface Transfer {
  readonly id: TransferId;
  readonly reference: string;
  readonly metadata: Metadata;
  readonly legs: readonly Leg[];
  /** The transfer that this one reverses, fully or in part. */
  readonly corrects: TransferId | null;
  readonly origin: Originator;
  /** When it was created; without a hold, also when it was posted. */
  readonly madeAt: Date;
  readonly hold: Hold | null;
}

export type TransferStatus = HoldStatus;

/** Whether a hold has expired although this is not recorded yet. */
export function isOverdue(hold: Hold, now: Date): boolean {
  return hold.status === 'held' && hold.expiresAt <= now;
}

/** The transfer's state; an overdue hold is expired, whether or not the worker has recorded it. */
export function statusOf({ hold }: Transfer, now: Date): TransferStatus {
  if (hold === null) return 'posted';
  return isOverdue(hold, now) ? 'expired' : hold.status;
}

/** What the transfer has moved: its legs, with the posted amount of a partial post; empty if it was not posted. */
export function postedLegs({ legs, hold }: Transfer): readonly Leg[] {
  if (hold === null) return legs;
  if (hold.status !== 'posted') return [];
  return legs.map((leg) => ({ ...leg, amount: hold.postedAmount ?? leg.amount }));
}

/** When the transfer moved its money; undefined while it has not. */
export function postedAt({ hold, madeAt }: Transfer): Date | undefined {
  if (hold === null) return madeAt;
  return hold.status === 'posted' ? (hold.endedAt ?? madeAt) : undefined;
}

interface LegJson {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: MoneyJson;
}

/** A transfer as JSON; one of a single leg also carries the shorthand `debit_account`, `credit_account`, `amount`. */
export interface TransferJson extends Partial<LegJson> {
  readonly id: string;
  readonly status: TransferStatus;
  readonly legs: readonly LegJson[];
  readonly reference: string;
  readonly metadata: Metadata;
  readonly corrects: string | null;
  readonly hold: {
    readonly expires_at: string;
    readonly posted_amount: MoneyJson | null;
    readonly ended_at: string | null;
  } | null;
  readonly created_at: string;
  readonly posted_at: string | null;
}

export function transferToJson(transfer: Transfer, now: Date): TransferJson {
  const { hold, madeAt } = transfer;
  const status = statusOf(transfer, now);
  const legs = transfer.legs.map((leg) => ({
    debit_account: leg.debitAccount,
    credit_account: leg.creditAccount,
    amount: moneyToJson(leg.amount, leg.currency),
  }));
  const [only, second] = legs;
  const endedAt = status === 'expired' ? hold?.expiresAt : hold?.endedAt;
  const posted = status === 'posted' ? (hold === null ? madeAt : hold.endedAt) : null;
  return {
    id: transfer.id,
    status,
    ...(second === undefined ? only : {}),
    legs,
    reference: transfer.reference,
    metadata: transfer.metadata,
    corrects: transfer.corrects,
    hold:
      hold === null
        ? null
        : {
            expires_at: hold.expiresAt.toISOString(),
            posted_amount:
              hold.postedAmount === null || only === undefined
                ? null
                : moneyToJson(hold.postedAmount, only.amount.currency),
            ended_at: endedAt?.toISOString() ?? null,
          },
    created_at: madeAt.toISOString(),
    posted_at: posted?.toISOString() ?? null,
  };
}
