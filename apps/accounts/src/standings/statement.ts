import { type Originator } from '@countersign/auth-core';
import { moneyToJson, type MoneyJson } from '@countersign/money';
import { timeBoundSchema, pageOf } from '@countersign/service-host';
import { z } from 'zod';
import { PAGE_LIMIT } from '../limits.js';
import { normalBalance, type Account } from '../accounts/account.js';

/**
 * `GET /accounts/{id}/entries`: newest first; from `from` (inclusive) to `to` (exclusive), if given; `cursor` is
 * the `next_cursor` of the page before.
 */
export const statementQuerySchema = z
  .strictObject({
    from: timeBoundSchema.optional(),
    to: timeBoundSchema.optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50),
    cursor: z
      .string()
      .regex(/^[1-9][0-9]{0,17}$/, 'must be the next_cursor of an earlier page')
      .transform(BigInt)
      .optional(),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    path: ['to'],
    message: 'must be later than from',
  });
export type StatementQuery = z.infer<typeof statementQuerySchema>;

export interface Entry {
  readonly position: bigint;
  readonly transferId: string;
  readonly side: 'debit' | 'credit';
  readonly amount: bigint;
  /** Credits minus debits after this entry. */
  readonly balanceAfter: bigint;
  readonly postedAt: Date;
  readonly reference: string;
  /** Who posted it. */
  readonly origin: Originator;
}

/** An entry as returned by the driver. */
export interface EntryRow {
  readonly position: string;
  readonly transfer_id: string;
  readonly side: Entry['side'];
  readonly amount: string;
  readonly balance_after: string;
  readonly posted_at: Date;
  readonly reference: string;
  readonly subject: string;
  readonly client_id: string;
  readonly actors: readonly string[];
  readonly txn: string;
}

export function entryOf(row: EntryRow): Entry {
  return {
    position: BigInt(row.position),
    transferId: row.transfer_id,
    side: row.side,
    amount: BigInt(row.amount),
    balanceAfter: BigInt(row.balance_after),
    postedAt: row.posted_at,
    reference: row.reference,
    origin: { subject: row.subject, clientId: row.client_id, actors: row.actors, txn: row.txn },
  };
}

export interface StatementJson {
  readonly entries: readonly {
    readonly transfer_id: string;
    readonly side: 'debit' | 'credit';
    readonly amount: MoneyJson;
    readonly balance_after: MoneyJson;
    readonly posted_at: string;
    readonly reference: string;
    readonly subject: string;
    readonly client_id: string;
    readonly actors: readonly string[];
    readonly txn: string;
  }[];
  readonly next_cursor: string | null;
}

/** One page; an account only ever gets entries of higher positions and later times, so pages after a cursor do not shift. */
export function statementToJson(account: Account, entries: readonly Entry[], limit: number): StatementJson {
  const { rows, last } = pageOf(entries, limit);
  return {
    entries: rows.map((entry) => ({
      transfer_id: entry.transferId,
      side: entry.side,
      amount: moneyToJson(entry.amount, account.currency),
      balance_after: moneyToJson(normalBalance(account.kind, entry.balanceAfter), account.currency),
      posted_at: entry.postedAt.toISOString(),
      reference: entry.reference,
      subject: entry.origin.subject,
      client_id: entry.origin.clientId,
      actors: entry.origin.actors,
      txn: entry.origin.txn,
    })),
    next_cursor: last?.position.toString() ?? null,
  };
}
