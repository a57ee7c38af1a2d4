import {
  fromBase64,
  isHash,
  leafOf,
  LeafError,
  logDeclarationOf,
  type ExportedEntry,
  type Skipped,
} from '@countersign/merkle-log';
import * as z from 'zod/mini';

const index = z.pipe(z.string().check(z.regex(/^(0|[1-9][0-9]{0,15})$/)), z.transform(Number));
const hash = z.pipe(
  z.string(),
  z.transform((text, context) => {
    const bytes = fromBase64(text);
    if (bytes !== undefined && isHash(bytes)) return bytes;
    context.issues.push({ code: 'custom', input: text, message: 'must be a hash in base64' });
    return z.NEVER;
  }),
);
const sequence = z.string().check(z.regex(/^[1-9][0-9]{0,17}$/));
const skipped = z.strictObject({ from: index, hashes: z.array(hash).check(z.maxLength(2 * 53 * 9)) });
const eventSchema = z.looseObject({
  source: z.string(),
  sequence,
  type: z.string(),
  time: z.string(),
  data: z.optional(z.looseObject({ changes: z.optional(z.unknown()) })),
});
// A line may contain nothing else: unchecked content must not be there.
const lineSchema = z.strictObject({
  log_index: index,
  source: z.string(),
  sequence,
  /** Tree size of the export's checkpoint. */
  checkpoint: index,
  leaf_hash: hash,
  proof: z.optional(z.strictObject({ skipped: z.optional(skipped), tile: z.optional(hash) })),
  event: eventSchema,
});
const startSchema = z.strictObject({
  start: z.strictObject({
    first_index: index,
    tree_size: index,
    checkpoint: z.string(),
    filtered: z.boolean(),
    passing: z.array(index).check(z.maxLength(8)),
    skipped,
  }),
});
const endSchema = z.strictObject({
  end: z.strictObject({
    events: z.number(),
    complete: z.boolean(),
    next_cursor: z.nullable(index),
    checkpoint: z.string(),
    skipped,
  }),
});
/** One line of an export (NDJSON). */
export type ExportLine =
  | { readonly kind: 'event'; readonly entry: ExportedEntry; readonly size: number }
  | {
      readonly kind: 'start';
      readonly first: number;
      readonly size: number;
      readonly checkpoint: string;
      readonly filtered: boolean;
      readonly passing: readonly number[];
      readonly before: Skipped;
    }
  | {
      readonly kind: 'end';
      readonly events: number;
      /** The index of its last event; null if it had none. */
      readonly cursor: number | null;
      readonly complete: boolean;
      readonly checkpoint: string;
      readonly rest: Skipped;
    };

/** Reads one line, in an export's exact spelling. @returns undefined for any other text */
export function parseExportLine(text: string): ExportLine | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (JSON.stringify(json) !== text) return undefined;
  const line = z.safeParse(lineSchema, json).data;
  if (line !== undefined) return eventLine(line);
  const start = z.safeParse(startSchema, json).data?.start;
  if (start !== undefined) {
    const { first_index: first, tree_size: size, skipped: before, ...rest } = start;
    return { kind: 'start', first, size, before, ...rest };
  }
  const end = z.safeParse(endSchema, json).data?.end;
  if (end === undefined) return undefined;
  const { next_cursor: cursor, skipped: rest, ...said } = end;
  return { kind: 'end', cursor, rest, ...said };
}

function eventLine(line: z.infer<typeof lineSchema>): ExportLine | undefined {
  const { log_index: logIndex, leaf_hash: recorded, proof, event, checkpoint: size } = line;
  // Repeated for people who read the line; both must agree.
  if (line.source !== event.source || line.sequence !== event.sequence) return undefined;
  try {
    const entry: ExportedEntry = {
      logIndex,
      leaf: leafOf(event).hash,
      source: event.source,
      sequence: BigInt(event.sequence),
      time: Date.parse(event.time),
      recorded,
      ...(proof?.skipped === undefined ? {} : { skipped: proof.skipped }),
      ...(proof?.tile === undefined ? {} : { tile: proof.tile }),
      ...logDeclarationOf(event),
    };
    return { kind: 'event', entry, size };
  } catch (error) {
    if (error instanceof LeafError) return undefined;
    throw error;
  }
}
