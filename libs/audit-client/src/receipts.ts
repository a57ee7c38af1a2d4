import { z } from 'zod';
import { type Range } from './ranges.js';

/** Where the audit service publishes each new checkpoint of its log, a signed note: anyone who keeps them is a witness. */
export const CHECKPOINT_SUBJECT = 'log.checkpoint';

/** Where the audit service reports to a source how many of its events are in the log; only audit may publish there. */
export function receiptSubject(source: string): string {
  return `receipts.${source}`;
}

const number = z.string().regex(/^[0-9]{1,18}$/);

/** Every event of the source up to and including `through` is in the log. */
const receiptSchema = z.strictObject({ source: z.string(), through: number });
/** Audit has every event of a source up to a number. */
export type Receipt = z.infer<typeof receiptSchema>;

/** Of the values that the log holds as commitments: base64url, by sequence and path. */
export const saltsSchema = z.record(z.string(), z.record(z.string(), z.string()));
export type Salts = z.infer<typeof saltsSchema>;

/** The salts of a range of events, of all that are known. */
export function saltsOf({ first, last }: Range, salts: Salts): Salts {
  const own: Salts = {};
  for (let sequence = first; sequence <= last; sequence += 1n) {
    const ofOne = salts[sequence.toString()];
    if (ofOne !== undefined) own[sequence.toString()] = ofOne;
  }
  return own;
}

const placeSchema = z.strictObject({
  /** The sequence of the first event and of the last. */
  first: number,
  last: number,
  /** The log index of the first; the others follow it. Null for dead letters, which have a number but no place. */
  index: number.nullable(),
  salts: saltsSchema.optional(),
  /** Proves to audit that it sent this place to the source: to be sent back as {@link KNOWN_INDEX_HEADER}. */
  known: z.string().max(100).optional(),
});
/** Where consecutive events of a source are in the log. */
export type Place = z.infer<typeof placeSchema>;

/** The log index of a place's last event; undefined for dead letters. */
export function lastIndexOf({ first, last, index }: Place): bigint | undefined {
  return index === null ? undefined : BigInt(index) + BigInt(last) - BigInt(first);
}

/**
 * The places of events in the log, on the same subject as the receipts. Audit sends it before the receipt that covers them, and an empty one before
 * each receipt that it repeats, so that a relay knows to expect places.
 */
const placementSchema = z.strictObject({ source: z.string(), places: z.array(placeSchema) });
/** The places that events have in the log. */
export type Placement = z.infer<typeof placementSchema>;

/** Audit's log was restored from a backup: it asks, on the receipts' subject, for everything kept from this log index on. */
const recallSchema = z.strictObject({ source: z.string(), recall: number });
/** Audit's request for kept events. */
export type Recall = z.infer<typeof recallSchema>;

/**
 * The `known` of the highest place that a source received, on each of its messages: a log that is shorter was restored from a backup. On a recalled
 * message, of the place that its events are part of.
 */
export const KNOWN_INDEX_HEADER = 'Countersign-Known-Index';
/** The log index of a recalled message's first event; the others follow it. */
export const FIRST_INDEX_HEADER = 'Countersign-First-Index';
/** The salts of a recalled message's events, as in a place. */
export const SALTS_HEADER = 'Countersign-Salts';

/** Where a source sends recalled events. */
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

/** @returns undefined if it is not a receipt */
export function parseReceipt(text: string): Receipt | undefined {
  return parse(receiptSchema, text);
}

/** @returns undefined if it is not a placement */
export function parsePlacement(text: string): Placement | undefined {
  return parse(placementSchema, text);
}

/** @returns undefined if it is not a recall */
export function parseRecall(text: string): Recall | undefined {
  return parse(recallSchema, text);
}
