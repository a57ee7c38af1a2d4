import { type Originator } from '@countersign/auth-core';
import { moneySchema } from '@countersign/money';
import { z } from 'zod';
import { accountIdSchema } from '../accounts/account.js';
import { HOLD_SECONDS_LIMIT, LEGS_LIMIT, REFERENCE_LIMIT } from '../limits.js';
import { isSameMetadata, metadataSchema, type Metadata } from '../metadata.js';
import { transferIdSchema, type Leg, type Transfer, type TransferId } from './transfer.js';

const legMembers = { debit_account: accountIdSchema, credit_account: accountIdSchema, amount: moneySchema };

/**
 * The body of `POST /transfers`: `legs`, or the shorthand of one leg (`debit_account`, `credit_account`, `amount`).
 * The client chooses `id`: sending the same transfer again posts nothing twice.
 */
export const createTransferSchema = z
  .strictObject({
    id: transferIdSchema,
    legs: z.array(z.strictObject(legMembers)).min(1).max(LEGS_LIMIT).optional(),
    debit_account: legMembers.debit_account.optional(),
    credit_account: legMembers.credit_account.optional(),
    amount: legMembers.amount.optional(),
    hold: z
      .strictObject({
        /** Seconds until the unposted amount is released. */
        expires_in_seconds: z.int().min(1).max(HOLD_SECONDS_LIMIT),
      })
      .optional(),
    corrects: transferIdSchema.optional(),
    reference: z.string().max(REFERENCE_LIMIT).default(''),
    metadata: metadataSchema.default({}),
  })
  .transform((body, context): CreateTransfer => {
    const { debit_account, credit_account, amount } = body;
    const short = debit_account !== undefined && credit_account !== undefined && amount !== undefined;
    const none = debit_account === undefined && credit_account === undefined && amount === undefined;
    if (body.legs === undefined ? !short : !none) {
      context.addIssue({
        code: 'custom',
        path: ['legs'],
        message: 'send either legs, or debit_account, credit_account and amount',
      });
      return z.NEVER;
    }
    const legs = body.legs ?? (short ? [{ debit_account, credit_account, amount }] : []);
    return {
      kind: 'create',
      id: body.id,
      legs: legs.map((leg) => ({
        debitAccount: leg.debit_account,
        creditAccount: leg.credit_account,
        amount: leg.amount.amount,
        currency: leg.amount.currency,
      })),
      holdSeconds: body.hold?.expires_in_seconds ?? null,
      corrects: body.corrects ?? null,
      reference: body.reference,
      metadata: body.metadata,
    };
  });

/** The body of `POST /transfers/{id}/post`: empty, or a part of a one-leg hold; the rest is then released. */
export const postHoldSchema = z.strictObject({ amount: moneySchema.optional() });
export type PostHoldBody = z.infer<typeof postHoldSchema>;

/** The body of `POST /transfers/{id}/void`: an empty object, or none. */
export const voidHoldSchema = z.strictObject({});

export interface CreateTransfer {
  readonly kind: 'create';
  readonly id: TransferId;
  readonly legs: readonly Leg[];
  readonly holdSeconds: number | null;
  readonly corrects: TransferId | null;
  readonly reference: string;
  readonly metadata: Metadata;
}
export interface PostHold {
  readonly kind: 'post';
  readonly id: TransferId;
  readonly amount: PostHoldBody['amount'];
}
export interface VoidHold {
  readonly kind: 'void';
  readonly id: TransferId;
}
/** The ledger's own command, for an expired hold. */
export interface ExpireHold {
  readonly kind: 'expire';
  readonly id: TransferId;
}
export type LedgerCommand = CreateTransfer | PostHold | VoidHold | ExpireHold;

function isSameLeg(one: Leg, other: Leg | undefined): boolean {
  return (
    one.debitAccount === other?.debitAccount &&
    one.creditAccount === other.creditAccount &&
    one.amount === other.amount &&
    one.currency === other.currency
  );
}

/** Whether this caller's command requests exactly the transfer that already has its id. */
export function isSameTransfer(transfer: Transfer, command: CreateTransfer, origin: Originator): boolean {
  const heldSeconds =
    transfer.hold === null ? null : (transfer.hold.expiresAt.getTime() - transfer.madeAt.getTime()) / 1_000;
  return (
    transfer.origin.clientId === origin.clientId &&
    transfer.origin.subject === origin.subject &&
    transfer.legs.length === command.legs.length &&
    transfer.legs.every((leg, index) => isSameLeg(leg, command.legs[index])) &&
    heldSeconds === command.holdSeconds &&
    transfer.corrects === command.corrects &&
    transfer.reference === command.reference &&
    isSameMetadata(transfer.metadata, command.metadata)
  );
}
