import { z } from 'zod';

/** Where the audit service publishes each new checkpoint of its log, a signed note: anyone who keeps them is a witness. */
export const CHECKPOINT_SUBJECT = 'log.checkpoint';

/** Where the audit service tells a source how far its events are in the log; only audit may publish there. */
export function receiptSubject(source: string): string {
  return `receipts.${source}`;
}

const number = z.string().regex(/^[0-9]{1,18}$/);

/** Every event of the source up to and including `through` is in the log. */
const receiptSchema = z.strictObject({ source: z.string(), through: number });
export type Receipt = z.infer<typeof receiptSchema>;

const placeSchema = z.strictObject({
  /** The sequence of the first event and of the last. */
  first: number,
  last: number,
  /** The log index of the first; the others follow it. Null for what went to the dead letters: it has a number and no place. */
  index: number.nullable(),
  /** The salts of what the log has as commitments (base64url), by sequence and by path. */
  salts: z.record(z.string(), z.record(z.string(), z.string())).optional(),
});
/** Where consecutive events of a source are in the log. */
export type Place = z.infer<typeof placeSchema>;

/**
 * Where events stand in the log, on the same subject as the receipts. Audit sends it before the receipt that covers them, and an empty one before
 * each receipt that it repeats, so that a relay knows that places come.
 */
const placementSchema = z.strictObject({ source: z.string(), places: z.array(placeSchema) });
export type Placement = z.infer<typeof placementSchema>;

/** Audit's log was restored from a backup: it asks for what is kept from this log index on, on the receipts' subject. */
const recallSchema = z.strictObject({ source: z.string(), recall: number });
export type Recall = z.infer<typeof recallSchema>;

/** The highest log index that a source received, on each of its messages: a log that does not reach it was restored from a backup. */
export const KNOWN_INDEX_HEADER = 'Countersign-Known-Index';
/** The log index of a recalled message's first event; the others follow it. */
export const FIRST_INDEX_HEADER = 'Countersign-First-Index';
/** The salts of a recalled message's events, as in a place. */
export const SALTS_HEADER = 'Countersign-Salts';

/** Where a source sends what is recalled. */
export function recalledSubject(source: string): string {
  return `audit.${source}.recalled`;
}

function parse<Value>(schema: z.ZodType<Value>, text: string): Value | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** @returns nothing for what is not a receipt */
export function parseReceipt(text: string): Receipt | undefined {
  return parse(receiptSchema, text);
}

/** @returns nothing for what is not a placement */
export function parsePlacement(text: string): Placement | undefined {
  return parse(placementSchema, text);
}

/** @returns nothing for what is not a recall */
export function parseRecall(text: string): Recall | undefined {
  return parse(recallSchema, text);
}
