import { eventColumns, plainCell } from '@countersign/audit-event';
import { z } from 'zod';
import { type SignedCheckpoint } from '../log/log.store.js';
import { filterShape } from './event-filter.js';
import { cursorSchema, type EventRow } from './event-search.js';

const sizes = z
  .string()
  .regex(/^[1-9][0-9]{0,15}(,[1-9][0-9]{0,15}){0,7}$/, 'must be one to eight comma-separated tree sizes')
  .transform((text) => text.split(',').map(Number));

/** `GET /events/export`: oldest first; `cursor` is the log index of the last line that was received. */
export const eventExportSchema = z.strictObject({
  ...filterShape,
  format: z.enum(['ndjson', 'csv']).default('ndjson'),
  /** Maximum number of events. */
  limit: z.coerce.number().int().min(1).max(100_000_000).optional(),
  cursor: cursorSchema.optional(),
  /** Tree sizes of the reader's own checkpoints: the proof passes through these trees. */
  checkpoints: sizes.optional(),
});
export type EventExport = z.infer<typeof eventExportSchema>;

/** Replaces omitted leaves: hashes (base64) of the largest complete subtrees from an index on, left to right. */
export interface SkippedLeaves {
  readonly from: string;
  readonly hashes: readonly string[];
}

/** The first line: the export's checkpoint, and where it starts. */
export interface ExportStart {
  readonly start: {
    readonly first_index: string;
    readonly tree_size: string;
    /** The signed note that covers every line. */
    readonly checkpoint: string;
    /** Whether it omits events; otherwise each line's index is one more than the previous one. */
    readonly filtered: boolean;
    readonly passing: readonly string[];
    readonly skipped: SkippedLeaves;
  };
}

/** The proof of one event, together with the lines around it. */
export interface LineProof {
  /** The leaf hash in the log, base64. */
  readonly leafHash: string;
  readonly skipped?: SkippedLeaves;
  /** The hash of the complete tile of 256 that contains it, on the first line of each. */
  readonly tile?: string;
}

/** The last line: without it the export is incomplete. */
export interface ExportEnd {
  readonly end: {
    readonly events: number;
    /** Whether the export is complete; otherwise it continues after `next_cursor`. */
    readonly complete: boolean;
    readonly next_cursor: string | null;
    /** The signed note that covers every line. */
    readonly checkpoint: string;
    readonly skipped: SkippedLeaves;
  };
}

/** How an export is written: the start, each event, and the end. */
export interface ExportFormat {
  readonly mediaType: string;
  head(start: ExportStart): string;
  line(row: EventRow, proof: LineProof, checkpoint: SignedCheckpoint): string;
  tail(end: ExportEnd): string;
}

const ndjson: ExportFormat = {
  mediaType: 'application/x-ndjson',
  head: (start) => `${JSON.stringify(start)}\n`,
  line: ({ logIndex, event }, { leafHash, ...proof }, { treeSize }) =>
    `${JSON.stringify({
      log_index: logIndex.toString(),
      source: event.source,
      sequence: event.sequence,
      checkpoint: String(treeSize),
      leaf_hash: leafHash,
      ...(Object.keys(proof).length === 0 ? {} : { proof }),
      event,
    })}\n`,
  tail: (end) => `${JSON.stringify(end)}\n`,
};

/** RFC 4180. */
function cell(value: string | null | undefined): string {
  const plain = plainCell(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

const [sourceAndSequence, described] = [eventColumns.slice(0, 2), eventColumns.slice(2)];
const csvHeader = [
  'log_index',
  ...sourceAndSequence.map(([name]) => name),
  'checkpoint',
  ...described.map(([name]) => name),
  'event',
  'leaf_hash',
  'proof',
];
const csvRow = (cells: readonly (string | null | undefined)[]): string => `${cells.map(cell).join(',')}\r\n`;
/** Start and end are rows that read as comments; their content is in the last column. */
const csvRemark = (name: string, said: unknown): string =>
  csvRow([`#${name}`, ...Array.from({ length: csvHeader.length - 2 }, () => ''), JSON.stringify(said)]);

const csv: ExportFormat = {
  mediaType: 'text/csv; charset=utf-8; header=present',
  head: ({ start }) => csvRow(csvHeader) + csvRemark('start', start),
  line: ({ logIndex, event }, { leafHash, ...proof }, { treeSize }) =>
    csvRow([
      logIndex.toString(),
      ...sourceAndSequence.map(([, valueOf]) => valueOf(event)),
      String(treeSize),
      ...described.map(([, valueOf]) => valueOf(event)),
      JSON.stringify(event),
      `sha256:${leafHash}`,
      Object.keys(proof).length === 0 ? '' : JSON.stringify(proof),
    ]),
  tail: ({ end }) => csvRemark('end', end),
};

export const exportFormats: Readonly<Record<EventExport['format'], ExportFormat>> = { ndjson, csv };
