import { moneyToJson, type MoneyJson } from '@countersign/money';
import { z } from 'zod';
import { normalBalance, type Account } from './account.js';

/** Entries of one page at the most. */
export const PAGE_LIMIT = 200;

/** `GET /accounts/{id}/entries`: newest first; `cursor` is the `next_cursor` of the page before. */
export const statementQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50),
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,17}$/, 'a next_cursor of an earlier page')
    .transform(BigInt)
    .optional(),
});
export type StatementQuery = z.infer<typeof statementQuerySchema>;

export interface Entry {
  readonly position: bigint;
  readonly transferId: string;
  readonly side: 'debit' | 'credit';
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly postedAt: Date;
}

export interface StatementJson {
  readonly entries: readonly {
    readonly transfer_id: string;
    readonly side: 'debit' | 'credit';
    readonly amount: MoneyJson;
    readonly balance_after: MoneyJson;
    readonly posted_at: string;
  }[];
  readonly next_cursor: string | null;
}

/** One page; entries only ever get higher positions, so pages behind a cursor do not move under writes. */
export function statementToJson(account: Account, entries: readonly Entry[], limit: number): StatementJson {
  const page = entries.slice(0, limit);
  const last = page.at(-1);
  return {
    entries: page.map((entry) => ({
      transfer_id: entry.transferId,
      side: entry.side,
      amount: moneyToJson(entry.amount, account.currency),
      balance_after: moneyToJson(normalBalance(account.kind, entry.balanceAfter), account.currency),
      posted_at: entry.postedAt.toISOString(),
    })),
    next_cursor: entries.length > limit && last !== undefined ? last.position.toString() : null,
  };
}
