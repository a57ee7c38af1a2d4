import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { leafOf, LeafError, type ExportedEntry, type Tile } from '@countersign/merkle-log';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';

const index = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/)
  .transform(Number);
const hash = z.base64().transform((text) => Buffer.from(text, 'base64'));
const numbered = z.object({ source: z.string(), sequence: z.string().regex(/^[1-9][0-9]{0,17}$/) });

const eventLine = z.object({
  log_index: index,
  leaf_hash: hash.optional(),
  event: z.looseObject({
    source: z.string(),
    sequence: z.string().regex(/^[1-9][0-9]{0,17}$/),
    type: z.string(),
    time: z.string(),
    data: z.looseObject({ changes: z.unknown().optional() }).optional(),
  }),
});
const endLine = z.object({ end: z.object({ complete: z.boolean(), checkpoint: z.string().nullable() }) });
const segmentLine = z.object({
  segment: z.object({
    first_index: index,
    end_index: index,
    edge: z.array(z.object({ level: z.int().nonnegative(), index: z.int().nonnegative(), hashes: hash })),
    checkpoint: z.string(),
    consistency: z.array(hash),
  }),
});

/** The event by which the trail tells that another one is in its dead letters, and keeps its number. */
const DEAD_LETTER_KEPT = 'countersign.audit.dead-letter.kept.v1';

/** One line of an export or of a sealed segment. */
export type ExportLine =
  | { readonly kind: 'event'; readonly entry: ExportedEntry }
  | { readonly kind: 'end'; readonly complete: boolean; readonly checkpoint: string | null }
  | {
      readonly kind: 'segment';
      readonly first: number;
      readonly end: number;
      readonly edge: readonly Tile[];
      /** Signed when the segment was sealed. */
      readonly checkpoint: string;
      readonly consistency: readonly Buffer[];
    };

/** Reads one line. @returns nothing for what is none */
export function parseExportLine(text: string): ExportLine | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const event = eventLine.safeParse(json).data;
  if (event !== undefined) return eventOf(event);
  const end = endLine.safeParse(json).data;
  if (end !== undefined) return { kind: 'end', ...end.end };
  const segment = segmentLine.safeParse(json).data?.segment;
  if (segment === undefined) return undefined;
  const { first_index, end_index, edge, checkpoint, consistency } = segment;
  return { kind: 'segment', first: first_index, end: end_index, edge, checkpoint, consistency };
}

function eventOf({ log_index, leaf_hash, event }: z.infer<typeof eventLine>): ExportLine | undefined {
  const about = event.type === DEAD_LETTER_KEPT ? numbered.safeParse(event.data?.changes).data : undefined;
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
        ...(about === undefined ? {} : { accountsFor: { source: about.source, sequence: BigInt(about.sequence) } }),
      },
    };
  } catch (error) {
    if (error instanceof LeafError) return undefined;
    throw error;
  }
}

/** The lines of a file, in constant memory; a name that ends in `.gz` is unpacked. @throws {CliError} for a line that is none of an export */
export async function* readExport(file: string): AsyncGenerator<ExportLine> {
  const raw = createReadStream(file);
  const input = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  raw.once('error', (error) => input.destroy(error));
  let number = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1;
      if (text === '') continue;
      const line = parseExportLine(text);
      if (line === undefined) {
        throw new CliError(
          ExitCode.refused,
          'EXPORT_UNREADABLE',
          `${file}, line ${String(number)}: it is no line of an export`,
        );
      }
      yield line;
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(ExitCode.usage, 'FILE_UNREADABLE', error instanceof Error ? error.message : String(error));
  }
}
