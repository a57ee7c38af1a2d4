import { pageOf } from '@countersign/service-host';
import { z } from 'zod';
import { PAGE_LIMIT } from '../limits.js';
import { transferIdSchema, transferToJson, type Transfer, type TransferJson } from './transfer.js';

/** `GET /transfers`: those within the caller's reach in the order of their ids; `cursor` is the `next_cursor` of the previous page. */
export const listTransfersSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50),
  cursor: transferIdSchema.optional(),
});
export type ListTransfers = z.infer<typeof listTransfersSchema>;

/** A transfer with its maker. */
export interface ListedTransferJson extends TransferJson {
  readonly subject: string;
  readonly client_id: string;
  readonly actors: readonly string[];
  readonly txn: string;
}

export interface TransferPageJson {
  readonly transfers: readonly ListedTransferJson[];
  readonly next_cursor: string | null;
}

/** @param found one more than the page holds, if another page follows */
export function transferPageToJson(found: readonly Transfer[], limit: number, now: Date): TransferPageJson {
  const { rows, last } = pageOf(found, limit);
  return {
    transfers: rows.map((transfer) => {
      const { subject, clientId, actors, txn } = transfer.origin;
      return { ...transferToJson(transfer, now), subject, client_id: clientId, actors, txn };
    }),
    next_cursor: last?.id ?? null,
  };
}
