import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { openSession } from '../session/session.js';
import { addFilters, countOf, queryOf } from './filters.js';

const endSchema = z.object({
  end: z.object({ events: z.number(), complete: z.boolean(), next_cursor: z.string().nullable() }),
});
/** The end line has a signed checkpoint; nothing longer than this can be one. */
const END_LIMIT = 64 * 1024;

interface ExportOptions {
  readonly format: 'ndjson' | 'csv';
  readonly output?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

/** Writes the answer as it comes, no faster than it is taken. @returns its last bytes */
async function copy(body: AsyncIterable<Uint8Array>, target: NodeJS.WritableStream): Promise<Buffer> {
  let last: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    last = Buffer.concat([last, chunk]).subarray(-END_LIMIT);
    if (!target.write(chunk)) await new Promise<void>((resolve) => target.once('drain', resolve));
  }
  return last;
}

function endOf(last: Buffer): z.infer<typeof endSchema>['end'] | undefined {
  try {
    return endSchema.parse(JSON.parse(last.toString().trimEnd().split('\n').at(-1) ?? '')).end;
  } catch {
    return undefined;
  }
}

async function run({ format, output: file, limit, cursor }: ExportOptions, command: Command): Promise<void> {
  const { output, ...session } = openSession(command);
  const query = queryOf(command);
  query.set('format', format);
  if (limit !== undefined) query.set('limit', String(limit));
  if (cursor !== undefined) query.set('cursor', cursor);
  const response = await session.send({
    service: 'audit',
    scopes: [],
    path: `/events/export?${query.toString()}`,
    timeoutMs: null,
  });
  const target = file === undefined ? process.stdout : createWriteStream(file, { flags: 'wx', mode: 0o600 });
  const last = response.body === null ? Buffer.alloc(0) : await copy(response.body, target);
  if (target !== process.stdout) {
    target.end();
    await finished(target);
  }
  if (format === 'csv') return;
  const end = endOf(last);
  if (end === undefined) {
    throw new CliError(
      ExitCode.unreachable,
      'EXPORT_CUT_OFF',
      'the export was cut off: its end line is missing',
      'Go on with --cursor and the log_index of the last whole line.',
    );
  }
  output.note(
    `${String(end.events)} events${end.complete ? '' : `; there is more: --cursor ${end.next_cursor ?? ''}`}`,
  );
}

/** `countersign audit export`: events as evidence. */
export function register(audit: Command): void {
  addFilters(audit.command('export'), { timed: true })
    .summary('export events, oldest first')
    .description(
      'Streams events, oldest first, each line with its log index, source, sequence and the size of the checkpoint that covers it.\n' +
        'The last line of NDJSON has the signed checkpoint; an export without it was cut off.',
    )
    .addOption(new Option('--format <format>', 'how lines are written').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--output <file>', 'write to a new file instead of standard output')
    .option('--limit <count>', 'events at the most', countOf(100_000_000))
    .option('--cursor <index>', 'begin after this log index')
    .addHelpText(
      'after',
      `
Examples:
  countersign audit export --from 7d --output events.ndjson
  countersign audit export --format csv --outcome denied > denied.csv`,
    )
    .action(run);
}
