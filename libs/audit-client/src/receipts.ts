import { z } from 'zod';

/** Where the audit service publishes each new checkpoint of its log, a signed note: whoever keeps them is a witness. */
export const CHECKPOINT_SUBJECT = 'log.checkpoint';

/** Where the audit service tells a source how far its events are in the log; it alone may publish there. */
export function receiptSubject(source: string): string {
  return `receipts.${source}`;
}

/** Every event of the source up to and including `through` is in the log. */
const receiptSchema = z.strictObject({
  source: z.string(),
  through: z.string().regex(/^[0-9]{1,18}$/),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** @returns nothing for what is not a receipt */
export function parseReceipt(text: string): Receipt | undefined {
  try {
    return receiptSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
