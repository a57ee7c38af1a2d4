import { currencySchema } from '@countersign/money';
import { accountIdSchema } from '../accounts/account.js';
import { type Metadata } from '../metadata.js';
import { transferIdSchema, type Hold, type HoldStatus, type Leg, type Transfer } from './transfer.js';

/** A transfer with its legs and its hold, as the driver gives it. */
export interface TransferRow {
  readonly id: string;
  readonly reference: string;
  readonly metadata: Metadata;
  readonly corrects: string | null;
  readonly subject: string;
  readonly client_id: string;
  readonly actors: readonly string[];
  readonly txn: string;
  readonly posted_at: Date;
  readonly legs: readonly (readonly [string, string, string, string])[];
  readonly status: HoldStatus | null;
  readonly expires_at: Date | null;
  readonly posted_amount: string | null;
  readonly ended_at: Date | null;
  readonly ended_by_subject: string | null;
  readonly ended_by_client_id: string | null;
  readonly ended_by_actors: readonly string[] | null;
  readonly ended_by_txn: string | null;
}

function holdOf(row: TransferRow): Hold | null {
  if (row.status === null || row.expires_at === null) return null;
  const { ended_by_subject: subject, ended_by_client_id: clientId, ended_by_actors: actors, ended_by_txn: txn } = row;
  return {
    status: row.status,
    expiresAt: row.expires_at,
    postedAmount: row.posted_amount === null ? null : BigInt(row.posted_amount),
    endedAt: row.ended_at,
    endedBy:
      subject === null || clientId === null || actors === null || txn === null
        ? null
        : { subject, clientId, actors, txn },
  };
}

export function transferOf(row: TransferRow): Transfer {
  return {
    id: transferIdSchema.parse(row.id),
    reference: row.reference,
    metadata: row.metadata,
    legs: row.legs.map(([debit, credit, amount, currency]): Leg => ({
      debitAccount: accountIdSchema.parse(debit),
      creditAccount: accountIdSchema.parse(credit),
      amount: BigInt(amount),
      currency: currencySchema.parse(currency),
    })),
    corrects: row.corrects === null ? null : transferIdSchema.parse(row.corrects),
    origin: { subject: row.subject, clientId: row.client_id, actors: row.actors, txn: row.txn },
    madeAt: row.posted_at,
    hold: holdOf(row),
  };
}
