import { auditEventSchema, eventColumns, plainCell } from '@countersign/audit-event';
import { leafHash } from '@countersign/merkle-log';
import { z } from 'zod';
import { csvRows } from './csv-rows.js';
import {
  endOf,
  endSchema,
  eventSchema,
  type ExportLine,
  lineOf,
  proofSchema,
  startOf,
  startSchema,
} from './export-line.js';

const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('must be JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);

const remarkRow = z.union([
  z.object({ log_index: z.literal('#start'), proof: json(startSchema).transform(startOf) }),
  z.object({ log_index: z.literal('#end'), proof: json(endSchema).transform(endOf) }),
]);
const eventRow = z.object({
  log_index: z
    .string()
    .regex(/^(0|[1-9][0-9]{0,15})$/)
    .transform(Number),
  event: json(eventSchema),
  leaf_hash: z
    .string()
    .regex(/^sha256:[A-Za-z0-9+/]{43}=$/)
    .transform((text) => Buffer.from(text.slice('sha256:'.length), 'base64')),
  proof: z
    .literal('')
    .transform(() => undefined)
    .or(json(proofSchema)),
});

/**
 * The lines of a CSV export. A row whose columns differ from its event is treated as an altered event, because people read the columns.
 * @returns undefined for a row that is not from an export
 */
export async function* csvLines(text: AsyncIterable<string>): AsyncGenerator<ExportLine | undefined> {
  let header: readonly string[] | undefined;
  for await (const cells of csvRows(text)) {
    if (cells === undefined) yield undefined;
    else if (header === undefined) header = cells;
    else yield lineOfRow(new Map(header.map((name, at) => [name, cells[at] ?? ''])));
  }
}

function lineOfRow(row: ReadonlyMap<string, string>): ExportLine | undefined {
  const cells = Object.fromEntries(row);
  const remark = remarkRow.safeParse(cells).data;
  if (remark !== undefined) return remark.proof;
  const parsed = eventRow.safeParse(cells).data;
  const line = parsed === undefined ? undefined : lineOf(parsed);
  if (parsed === undefined || line?.kind !== 'event' || agrees(row, parsed.event)) return line;
  return { ...line, entry: { ...line.entry, leaf: leafHash(Buffer.from(JSON.stringify(cells))) } };
}

/** An event that no version of the schema knows cannot be compared; its leaf hash still can. */
function agrees(row: ReadonlyMap<string, string>, event: unknown): boolean {
  const known = auditEventSchema.safeParse(event).data;
  return known === undefined || eventColumns.every(([name, valueOf]) => row.get(name) === plainCell(valueOf(known)));
}
