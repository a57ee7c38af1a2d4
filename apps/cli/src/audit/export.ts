import { readFileSync } from 'node:fs';
import { messageOf } from '@countersign/auth-core';
import { parseCheckpointText } from '@countersign/merkle-log';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { forceOption, NewFile } from '../new-file.js';
import { printableLines } from '../output.js';
import { openSession } from '../session/session.js';
import { countOf } from '../pages.js';
import { addFilters, queryOf, READING } from './filters.js';

const endSchema = z.object({ events: z.number(), complete: z.boolean(), next_cursor: z.string().nullable() });
const ndjsonEnd = z.object({ end: endSchema });
/** The end line contains a signed checkpoint; nothing longer than this can be one. */
const END_LIMIT = 64 * 1024;

interface ExportOptions {
  readonly format: 'ndjson' | 'csv';
  readonly output?: string;
  readonly limit?: number;
  readonly cursor?: string;
  readonly since?: string;
  readonly checkpoint: readonly string[];
  readonly force: boolean;
}

/** Writes the response as it arrives, no faster than it is consumed. @returns its last bytes, even if the connection was lost */
async function copy(body: AsyncIterable<Uint8Array>, write: (chunk: Uint8Array) => Promise<void>): Promise<Buffer> {
  let last: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of body) {
      last = Buffer.concat([last, chunk]).subarray(-END_LIMIT);
      await write(chunk);
    }
  } catch (error) {
    // The connection was lost; without its end line the response is known to be truncated.
    if (!(error instanceof TypeError)) throw error;
  }
  return last;
}

/** Prints evidence unchanged; to a terminal, without characters that move its cursor. */
function printer(): (chunk: Uint8Array) => Promise<void> {
  const decoder = new TextDecoder();
  return async (chunk) => {
    const shown = process.stdout.isTTY ? printableLines(decoder.decode(chunk, { stream: true })) : chunk;
    if (!process.stdout.write(shown)) await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
  };
}

function endOf(last: Buffer): z.infer<typeof endSchema> | undefined {
  const line = last.toString().trimEnd().split('\n').at(-1) ?? '';
  const cell = /^#end,+"(.*)"$/.exec(line)?.[1]?.replaceAll('""', '"');
  try {
    return cell === undefined ? ndjsonEnd.parse(JSON.parse(line)).end : endSchema.parse(JSON.parse(cell));
  } catch {
    return undefined;
  }
}

/** The number of leaves of a stored checkpoint; `verify` decides whether it is genuine. */
function sizeOf(file: string): number {
  try {
    const note = readFileSync(file, 'utf8');
    return parseCheckpointText(note.slice(0, note.lastIndexOf('\n\n') + 1)).size;
  } catch (error) {
    const reason = messageOf(error);
    throw new CliError(
      ExitCode.usage,
      'CHECKPOINT_UNREADABLE',
      `${file}: ${reason}`,
      'It must be a file that countersign audit checkpoint wrote.',
    );
  }
}

async function run(options: ExportOptions, command: Command): Promise<void> {
  const { format, output: path, limit, since, checkpoint, force } = options;
  const { output, ...session } = openSession(command);
  const file = path === undefined ? undefined : await NewFile.create(path, { force });
  const query = queryOf(command, output);
  const from = since === undefined ? undefined : sizeOf(since);
  const cursor = options.cursor ?? (from === undefined || from === 0 ? undefined : String(from - 1));
  const sizes = [...(from === undefined ? [] : [from]), ...checkpoint.map(sizeOf)].filter((size) => size > 0);
  if (sizes.length > 0) query.set('checkpoints', sizes.join(','));
  query.set('format', format);
  if (limit !== undefined) query.set('limit', String(limit));
  if (cursor !== undefined) query.set('cursor', cursor);
  const response = await session.send({
    service: 'audit',
    scopes: [],
    anyOf: READING,
    path: `/events/export?${query.toString()}`,
    timeoutMs: null,
  });
  const write = file === undefined ? printer() : (chunk: Uint8Array) => file.write(chunk);
  const last = response.body === null ? Buffer.alloc(0) : await copy(response.body, write);
  const end = endOf(last);
  if (end === undefined) {
    const rest = file === undefined ? '' : ` The received part is in ${await file.keepUnfinished()}.`;
    throw new CliError(
      ExitCode.unreachable,
      'EXPORT_CUT_OFF',
      'the export was cut off: its end line is missing',
      `Continue with --cursor and the log_index of the last complete line, into a new file.${rest}`,
    );
  }
  await file?.commit();
  output.note(
    `${String(end.events)} events${end.complete ? '' : `; there is more: --cursor ${end.next_cursor ?? ''}`}`,
  );
}

/** `countersign audit export`: events as evidence. */
export function register(audit: Command): void {
  addFilters(audit.command('export'), { timed: true })
    .summary('export events, oldest first, as evidence')
    .description(
      'Streams events, oldest first. The export is self-contained evidence: `countersign audit verify` checks it offline.\n' +
        'The first line holds the signed checkpoint, each event line its log index and leaf hash, and the last line the ' +
        'rest of the proof; an export without that last line was cut off. Without filters the export is complete.',
    )
    .addOption(new Option('--format <format>', 'output format').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--output <file>', 'write to a new file instead of standard output')
    .addOption(forceOption())
    .option('--limit <count>', 'maximum number of events', countOf(100_000_000))
    .option('--cursor <index>', 'start after this log index')
    .option(
      '--since <file>',
      'start where the log ended when this checkpoint was signed, and prove this checkpoint too',
    )
    .option(
      '--checkpoint <file>',
      'also prove this checkpoint, which you kept; repeatable',
      (one: string, others: readonly string[]) => [...others, one],
      [],
    )
    .addHelpText(
      'after',
      `
Examples:
  countersign audit export --from -7d --output events.ndjson
  countersign audit export --since monday.txt --output week.ndjson
  countersign audit export --format csv --outcome denied > denied.csv`,
    )
    .action(run);
}
