import { currencySchema } from '@countersign/money';
import { z } from 'zod';
import { accountIdSchema } from '../accounts/account.js';
import { holdStatuses, transferIdSchema, type Hold, type Leg, type Transfer } from './transfer.js';

/** A transfer with its legs and its hold, as returned by the driver. */
export const transferRowSchema = z.object({
  id: z.string(),
  reference: z.string(),
  metadata: z.record(z.string(), z.string()),
  corrects: z.string().nullable(),
  subject: z.string(),
  client_id: z.string(),
  actors: z.array(z.string()),
  txn: z.string(),
  posted_at: z.date(),
  legs: z.array(z.tuple([z.string(), z.string(), z.string(), z.string()])),
  status: z.enum(holdStatuses).nullable(),
  expires_at: z.date().nullable(),
  posted_amount: z.string().nullable(),
  ended_at: z.date().nullable(),
  ended_by_subject: z.string().nullable(),
  ended_by_client_id: z.string().nullable(),
  ended_by_actors: z.array(z.string()).nullable(),
  ended_by_txn: z.string().nullable(),
});
export type TransferRow = z.infer<typeof transferRowSchema>;

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
