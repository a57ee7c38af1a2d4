import { z } from 'zod';
import { type SignedCheckpoint } from '../log/log.store.js';
import { filterShape } from './event-filter.js';
import { cursorSchema, type EventRow } from './event-search.js';

/** `GET /events/export`: oldest first; `cursor` is the log index of the last line that was received. */
export const eventExportSchema = z.strictObject({
  ...filterShape,
  format: z.enum(['ndjson', 'csv']).default('ndjson'),
  /** Events at the most. */
  limit: z.coerce.number().int().min(1).max(100_000_000).optional(),
  cursor: cursorSchema.optional(),
});
export type EventExport = z.infer<typeof eventExportSchema>;

/** The last line of an NDJSON export: without it the export is not whole. */
export interface ExportEnd {
  readonly end: {
    readonly events: number;
    /** Whether all that was asked for is there; else the export goes on after `next_cursor`. */
    readonly complete: boolean;
    readonly next_cursor: string | null;
    /** The signed note that covers every line; nothing when none is signed yet. */
    readonly checkpoint: string | null;
  };
}

/** How an export is written: before the events, for each, and after them. */
export interface ExportFormat {
  readonly mediaType: string;
  readonly head: string;
  line(row: EventRow, checkpoint: SignedCheckpoint | undefined): string;
  tail(end: ExportEnd): string;
}

const treeSizeOf = (checkpoint: SignedCheckpoint | undefined): string | null => checkpoint?.treeSize.toString() ?? null;

const ndjson: ExportFormat = {
  mediaType: 'application/x-ndjson',
  head: '',
  line: ({ logIndex, event }, checkpoint) =>
    `${JSON.stringify({
      log_index: logIndex.toString(),
      source: event.source,
      sequence: event.sequence,
      checkpoint: treeSizeOf(checkpoint),
      event,
    })}\n`,
  tail: (end) => `${JSON.stringify(end)}\n`,
};

/** RFC 4180. What a spreadsheet would take for a formula is made text; the column `event` has the event as it stands in the log. */
function cell(value: string | null | undefined): string {
  const text = value ?? '';
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

const csvColumns: readonly [
  string,
  (row: EventRow, checkpoint: SignedCheckpoint | undefined) => string | null | undefined,
][] = [
  ['log_index', ({ logIndex }) => logIndex.toString()],
  ['source', ({ event }) => event.source],
  ['sequence', ({ event }) => event.sequence],
  ['checkpoint', (_, checkpoint) => treeSizeOf(checkpoint)],
  ['time', ({ event }) => event.time],
  ['type', ({ event }) => event.type],
  ['subject', ({ event }) => event.data.principal?.subject],
  ['client', ({ event }) => event.data.principal?.client_id],
  ['actors', ({ event }) => event.data.principal?.actors.join(' ')],
  ['action', ({ event }) => event.data.action],
  ['resource', ({ event }) => event.data.resource],
  ['outcome', ({ event }) => event.data.outcome],
  ['reason', ({ event }) => event.data.reason],
  ['txn', ({ event }) => event.data.txn],
  ['trace', ({ event }) => event.traceparent?.split('-')[1]],
  ['event', ({ event }) => JSON.stringify(event)],
];

const csv: ExportFormat = {
  mediaType: 'text/csv; charset=utf-8; header=present',
  head: `${csvColumns.map(([name]) => name).join(',')}\r\n`,
  line: (row, checkpoint) => `${csvColumns.map(([, valueOf]) => cell(valueOf(row, checkpoint))).join(',')}\r\n`,
  tail: () => '',
};

export const exportFormats: Readonly<Record<EventExport['format'], ExportFormat>> = { ndjson, csv };
