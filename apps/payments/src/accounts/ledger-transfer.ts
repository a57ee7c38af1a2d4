import { moneySchema } from '@countersign/money';
import { z } from 'zod';
import { type TransferState } from './transfer-state.js';

/** A transfer in accounts, with its maker. */
export interface LedgerTransfer {
  readonly id: string;
  readonly status: 'held' | 'posted' | 'voided' | 'expired';
  /** Its only leg; undefined if it has several, which payments never creates. */
  readonly leg: {
    readonly debitAccount: string;
    readonly creditAccount: string;
    readonly amount: bigint;
    readonly currency: z.infer<typeof moneySchema>['currency'];
  } | null;
  /** Minor units moved, if it is posted. */
  readonly moved: bigint | null;
  readonly holdExpiresAt: Date | null;
  readonly corrects: string | null;
  readonly reference: string;
  readonly subject: string;
  readonly actors: readonly string[];
  readonly txn: string;
  readonly createdAt: Date;
}

const legSchema = z.looseObject({ debit_account: z.string(), credit_account: z.string(), amount: moneySchema });
const transferSchema = z
  .looseObject({
    id: z.uuid(),
    status: z.enum(['held', 'posted', 'voided', 'expired']),
    legs: z.array(legSchema),
    reference: z.string(),
    corrects: z.string().nullable(),
    hold: z.looseObject({ expires_at: z.iso.datetime(), posted_amount: moneySchema.nullable() }).nullable(),
    subject: z.string(),
    actors: z.array(z.string()),
    txn: z.string(),
    created_at: z.iso.datetime(),
  })
  .transform((json): LedgerTransfer => {
    const [only, second] = json.legs;
    const leg = only === undefined || second !== undefined ? null : only;
    return {
      id: json.id,
      status: json.status,
      leg: leg && {
        debitAccount: leg.debit_account,
        creditAccount: leg.credit_account,
        amount: leg.amount.amount,
        currency: leg.amount.currency,
      },
      moved: json.status === 'posted' && leg ? (json.hold?.posted_amount?.amount ?? leg.amount.amount) : null,
      holdExpiresAt: json.hold === null ? null : new Date(json.hold.expires_at),
      corrects: json.corrects,
      reference: json.reference,
      subject: json.subject,
      actors: json.actors,
      txn: json.txn,
      createdAt: new Date(json.created_at),
    };
  });

/** A page of `GET /transfers` of accounts. */
export const transferPageSchema = z.looseObject({
  transfers: z.array(transferSchema),
  next_cursor: z.string().nullable(),
});
export interface TransferPage {
  readonly transfers: readonly LedgerTransfer[];
  readonly nextCursor: string | null;
}

/** As seen by a payment. */
export function stateOf(transfer: LedgerTransfer): TransferState {
  switch (transfer.status) {
    case 'posted':
      return transfer.moved === null ? { kind: 'posted' } : { kind: 'posted', amount: transfer.moved };
    case 'held':
      return { kind: 'held', expiresAt: transfer.holdExpiresAt ?? transfer.createdAt };
    default:
      return { kind: transfer.status };
  }
}
