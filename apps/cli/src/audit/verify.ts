import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '@countersign/auth-core';
import {
  ExportCheck,
  NoteError,
  NoteKeyError,
  openCheckpoint,
  parseVerifierKey,
  subtreesOf,
  TileHashes,
  TileMissingError,
  type Checkpoint,
  type ExportCheckOptions,
  type ExportReport,
  type NoteVerifier,
  type Tile,
} from '@countersign/merkle-log';
import { type Command } from 'commander';
import { CliError, ExitCode } from '../cli-error.js';
import { openSession } from '../session/session.js';
import { readExport } from './export-file.js';
import { type ExportLine } from './export-line.js';
import { LeafHashFile } from './leaf-hash-file.js';

interface VerifyOptions {
  readonly checkpoint: readonly string[];
  readonly logKey: readonly string[];
  readonly hashes?: string;
  readonly complete: boolean;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(ExitCode.usage, 'FILE_UNREADABLE', messageOf(error));
  }
}

/** The key itself, or a file with one key per line; text after a key is ignored. */
function verifiersOf(text: string): readonly NoteVerifier[] {
  try {
    const lines = text.includes('+') && !existsSync(text) ? [text] : readText(text).split('\n');
    const keys = lines
      .map((line) => line.trim().split(/\s/)[0] ?? '')
      .filter((line) => line !== '' && !line.startsWith('#'));
    if (keys.length === 0) throw new NoteKeyError(`${text} does not contain a key`);
    return keys.map(parseVerifierKey);
  } catch (error) {
    if (!(error instanceof NoteKeyError)) throw error;
    throw new CliError(ExitCode.usage, 'LOG_KEY_INVALID', error.message, 'The log publishes its keys at /log/key.');
  }
}

function checkpointOf(note: string, from: string, log: readonly NoteVerifier[]): Checkpoint {
  try {
    return openCheckpoint(note, log);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CliError(ExitCode.refused, error.code, `${from}: ${error.message}`);
  }
}

async function* linesOf(files: readonly string[]): AsyncGenerator<ExportLine> {
  for (const file of files) yield* readExport(file);
}

/** Reads all files as one export and checks it. */
async function verifyFiles(
  files: readonly string[],
  options: ExportCheckOptions,
  log: readonly NoteVerifier[],
): Promise<ExportReport> {
  const check = new ExportCheck(options);
  let proven = options.checkpoints.length > 0;
  for await (const line of linesOf(files)) {
    if (line.kind === 'start') {
      const { first, filtered, passing, skipped } = line;
      const checkpoint = checkpointOf(line.checkpoint, `the export from index ${String(first)}`, log);
      check.begin({ first, filtered, passing, checkpoint, before: skipped.hashes });
      proven = true;
    } else if (line.kind === 'segment') {
      const { first, end, consistency } = line;
      const checkpoint = checkpointOf(line.checkpoint, `the segment from index ${String(first)}`, log);
      const bridge = { size: end, checkpoint, proof: consistency };
      check.begin({ first, before: peaksOf(first, line.edge), bridge });
      proven = true;
    } else if (line.kind === 'event') check.add(line.entry);
    else if (line.skipped !== undefined) check.end(line.skipped);
  }
  if (!proven) {
    throw new CliError(
      ExitCode.usage,
      'CHECKPOINT_MISSING',
      'these events have no checkpoint, so on their own they prove nothing',
      'Name two checkpoints with --checkpoint.',
    );
  }
  return check.finish();
}

/** Hashes of the subtrees before a segment. @throws {CliError} when its tiles do not contain them */
function peaksOf(first: number, edge: readonly Tile[]): readonly Buffer[] {
  const known = new TileHashes(edge);
  try {
    return subtreesOf({ first: 0, end: first }).map((subtree) => known.hashOf(subtree));
  } catch (error) {
    if (!(error instanceof TileMissingError)) throw error;
    throw new CliError(
      ExitCode.refused,
      'EXPORT_UNREADABLE',
      `the segment from index ${String(first)}: ${error.message}`,
    );
  }
}

function describe(report: ExportReport, checkpoints: readonly Checkpoint[]): string {
  const { entries, first, end, complete, sources, uncovered, lost } = report;
  const sizes = checkpoints.map(({ size }) => String(size)).join(', ');
  const range =
    entries === 0 ? `after log index ${String(first - 1)}` : `log indices ${String(first)} to ${String(end - 1)}`;
  return [
    `${String(entries)} events, ${range}, against the log’s own signature${sizes === '' ? '' : ` and checkpoints of ${sizes} leaves`}`,
    ...sources.map(({ source, through }) => `  ${source}: complete through ${through}`),
    ...(uncovered === 0 ? [] : [`  ${String(uncovered)} events are newer than the newest checkpoint`]),
    ...(lost.length === 0
      ? []
      : [
          `  ${String(lost.length)} entries were lost by a restore, as the log declares: ${lost.slice(0, 20).join(', ')}`,
        ]),
    complete
      ? 'Nothing between them was altered, removed, added or moved.'
      : 'Each event is in the log exactly as it is here. The export is filtered, so completeness is not proven.',
  ].join('\n');
}

async function run(files: readonly string[], options: VerifyOptions, command: Command): Promise<void> {
  const { output } = openSession(command);
  const log = options.logKey.flatMap(verifiersOf);
  const checkpoints = options.checkpoint.map((file) => checkpointOf(readText(file), file, log));
  const hashes = options.hashes === undefined ? undefined : new LeafHashFile(options.hashes);
  const { complete } = options;
  const report = await verifyFiles(files, { checkpoints, complete, ...(hashes === undefined ? {} : { hashes }) }, log);
  hashes?.close();
  const [first] = report.faults;
  if (first !== undefined) {
    const others = report.faults.slice(1).map(({ code, message }) => `${code}: ${message}`);
    const exact = first.through === undefined || first.through === first.logIndex || hashes !== undefined;
    if (!exact)
      others.push(
        'To find out which event was altered, fetch the log’s hashes with countersign audit hashes, then pass --hashes.',
      );
    throw new CliError(ExitCode.refused, first.code, first.message, others.join('\n') || undefined);
  }
  output.result({ ok: true, ...report }, describe(report, checkpoints));
}

const collect = (one: string, others: readonly string[] = []): readonly string[] => [...others, one];

/** `countersign audit verify`: checks an export offline. */
export function registerVerify(audit: Command): void {
  audit
    .command('verify')
    .summary('check an export offline against checkpoints')
    .description(
      'Checks exports (NDJSON, CSV) and sealed segments, in log order, against the log’s signature and the checkpoints that you kept, ' +
        'offline. Names the first event that was altered, removed, added or moved, and the first sequence number that never arrived.',
    )
    .argument('<files...>', 'exports or segments (.ndjson or .csv, optionally .gz), oldest first')
    .option('--checkpoint <file>', 'a signed checkpoint; repeatable, for example an old and a new one', collect, [])
    .requiredOption('--log-key <key>', 'a verifier key of the log, or a file with its keys; repeatable', collect)
    .option(
      '--hashes <file>',
      'leaf hashes fetched by `countersign audit hashes`; with them, an altered event is always named',
    )
    .option('--complete', 'fail unless every event from the oldest to the newest checkpoint is present', false)
    .addHelpText(
      'after',
      `
Examples:
  countersign audit verify events.ndjson --checkpoint monday.txt --checkpoint friday.txt --log-key log.key
  countersign audit verify week.ndjson --complete --checkpoint monday.txt --checkpoint friday.txt --log-key log.key
  countersign audit verify 000000000000.ndjson.gz events.ndjson --checkpoint friday.txt --log-key log.key --hashes log.hashes`,
    )
    .action(run);
}
