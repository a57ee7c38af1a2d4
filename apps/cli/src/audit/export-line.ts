import {
  leafOf,
  LeafError,
  logDeclarationOf,
  type ExportedEntry,
  type Skipped,
  type Tile,
} from '@countersign/merkle-log';
import { z } from 'zod';

const index = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/)
  .transform(Number);
const hash = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine(({ length }) => length === 32);
const tileHashes = z.base64().transform((text) => Buffer.from(text, 'base64'));
/** Maximum hashes that cover a span: two of each height, for each tree that it passes through. */
const skipped = z.object({ from: index, hashes: z.array(hash).max(2 * 53 * 9) });

export const eventSchema = z.looseObject({
  source: z.string(),
  sequence: z.string().regex(/^[1-9][0-9]{0,17}$/),
  type: z.string(),
  time: z.string(),
  data: z.looseObject({ changes: z.unknown().optional() }).optional(),
});
export const proofSchema = z.object({ skipped: skipped.optional(), tile: hash.optional() });
const eventLine = z.object({
  log_index: index,
  leaf_hash: hash.optional(),
  proof: proofSchema.optional(),
  event: eventSchema,
});
export type EventLine = z.infer<typeof eventLine>;
export const startSchema = z.object({
  first_index: index,
  checkpoint: z.string(),
  filtered: z.boolean(),
  passing: z.array(index).max(8),
  skipped,
});
/** Older exports have no `skipped`. */
export const endSchema = z.object({ complete: z.boolean(), skipped: skipped.optional() });
const segmentLine = z.object({
  segment: z.object({
    first_index: index,
    end_index: index,
    edge: z.array(z.object({ level: z.int().nonnegative(), index: z.int().nonnegative(), hashes: tileHashes })),
    checkpoint: z.string(),
    consistency: z.array(hash),
  }),
});

/** One line of an export or of a sealed segment. */
export type ExportLine =
  | { readonly kind: 'event'; readonly entry: ExportedEntry }
  | {
      readonly kind: 'start';
      readonly first: number;
      /** The signed note that the export was made under. */
      readonly checkpoint: string;
      readonly filtered: boolean;
      readonly passing: readonly number[];
      readonly skipped: Skipped;
    }
  | { readonly kind: 'end'; readonly complete: boolean; readonly skipped: Skipped | undefined }
  | {
      readonly kind: 'segment';
      readonly first: number;
      readonly end: number;
      readonly edge: readonly Tile[];
      /** Signed when the segment was sealed. */
      readonly checkpoint: string;
      readonly consistency: readonly Buffer[];
    };

/** Reads one line. @returns undefined for any other text */
export function parseExportLine(text: string): ExportLine | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const event = eventLine.safeParse(json).data;
  if (event !== undefined) return lineOf(event);
  const lines = z.object({ start: startSchema.optional(), end: endSchema.optional() }).safeParse(json).data;
  if (lines?.start !== undefined) return startOf(lines.start);
  if (lines?.end !== undefined) return endOf(lines.end);
  const segment = segmentLine.safeParse(json).data?.segment;
  if (segment === undefined) return undefined;
  const { first_index, end_index, edge, checkpoint, consistency } = segment;
  return { kind: 'segment', first: first_index, end: end_index, edge, checkpoint, consistency };
}

export function startOf({ first_index: first, ...start }: z.infer<typeof startSchema>): ExportLine {
  return { kind: 'start', first, ...start };
}

export function endOf({ complete, skipped: rest }: z.infer<typeof endSchema>): ExportLine {
  return { kind: 'end', complete, skipped: rest };
}

/** @returns undefined when the event cannot be a leaf */
export function lineOf({ log_index, leaf_hash, proof, event }: EventLine): ExportLine | undefined {
  try {
    return {
      kind: 'event',
      entry: {
        logIndex: log_index,
        leaf: leafOf(event).hash,
        source: event.source,
        sequence: BigInt(event.sequence),
        time: Date.parse(event.time),
        ...(leaf_hash === undefined ? {} : { recorded: leaf_hash }),
        ...(proof?.skipped === undefined ? {} : { skipped: proof.skipped }),
        ...(proof?.tile === undefined ? {} : { tile: proof.tile }),
        ...logDeclarationOf(event),
      },
    };
  } catch (error) {
    if (error instanceof LeafError) return undefined;
    throw error;
  }
}
