import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import {
  ExportCheck,
  NoteError,
  NoteKeyError,
  openCheckpoint,
  parseVerifierKey,
  type Checkpoint,
  type ExportCheckOptions,
  type ExportReport,
  type NoteVerifier,
} from '@countersign/merkle-log';
import { type Command } from 'commander';
import { CliError, ExitCode } from '../cli-error.js';
import { openSession } from '../session/session.js';
import { type ExportLine, readExport } from './export-file.js';

interface VerifyOptions {
  readonly checkpoint: readonly string[];
  readonly logKey: string;
  readonly hashes?: string;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(ExitCode.usage, 'FILE_UNREADABLE', error instanceof Error ? error.message : String(error));
  }
}

/** The key itself, or a file with it. */
function verifierOf(text: string): NoteVerifier {
  try {
    return parseVerifierKey(text.includes('+') ? text : readText(text).trim());
  } catch (error) {
    if (!(error instanceof NoteKeyError)) throw error;
    throw new CliError(ExitCode.usage, 'LOG_KEY_INVALID', error.message, 'The log shows its key at /log/key.');
  }
}

function checkpointOf(note: string, from: string, log: NoteVerifier): Checkpoint {
  try {
    return openCheckpoint(note, log);
  } catch (error) {
    if (!(error instanceof NoteError)) throw error;
    throw new CliError(ExitCode.refused, error.code, `${from}: ${error.message}`);
  }
}

/** Leaf hashes by index, from a file of level-0 tiles. */
class HashFile {
  readonly #file: number;

  constructor(path: string) {
    try {
      this.#file = openSync(path, 'r');
    } catch (error) {
      throw new CliError(ExitCode.usage, 'FILE_UNREADABLE', error instanceof Error ? error.message : String(error));
    }
  }

  at(logIndex: number): Buffer | undefined {
    const hash = Buffer.alloc(32);
    return readSync(this.#file, hash, 0, 32, logIndex * 32) === 32 ? hash : undefined;
  }

  close(): void {
    closeSync(this.#file);
  }
}

async function* linesOf(files: readonly string[]): AsyncGenerator<ExportLine> {
  for (const file of files) yield* readExport(file);
}

/** Reads all files as one export and checks it. */
export async function verifyFiles(
  files: readonly string[],
  checkpoints: readonly Checkpoint[],
  log: NoteVerifier,
  hashes?: { at(logIndex: number): Buffer | undefined },
): Promise<ExportReport> {
  let check: ExportCheck | undefined;
  let proven = checkpoints.length > 0;
  const begin = (start?: NonNullable<ExportCheckOptions['start']>): ExportCheck => {
    check ??= new ExportCheck({ checkpoints, ...(start === undefined ? {} : { start }) });
    return check;
  };
  for await (const line of linesOf(files)) {
    if (line.kind === 'segment') {
      const { first, end, edge, consistency } = line;
      const checkpoint = checkpointOf(line.checkpoint, `the segment from index ${String(first)}`, log);
      begin({ size: first, edge }).expect({ size: end, checkpoint, proof: consistency });
      proven = true;
    }
    if (line.kind !== 'event') continue;
    const { entry } = line;
    const recorded = entry.recorded ?? hashes?.at(entry.logIndex);
    begin().add(recorded === undefined ? entry : { ...entry, recorded });
  }
  if (!proven) {
    throw new CliError(
      ExitCode.usage,
      'CHECKPOINT_MISSING',
      'an export proves nothing by itself',
      'Name two checkpoints with --checkpoint.',
    );
  }
  return begin().finish();
}

function describe(report: ExportReport, checkpoints: readonly Checkpoint[]): string {
  const sizes = checkpoints.map(({ size }) => String(size)).join(', ');
  const lines = [
    `${String(report.entries)} events against ${sizes === '' ? 'the segment’s own checkpoint' : `checkpoints of ${sizes} leaves`}`,
    ...report.sources.map(({ source, through }) => `  ${source}: complete through ${through}`),
    ...(report.uncovered === 0 ? [] : [`  ${String(report.uncovered)} events are newer than the newest checkpoint`]),
  ];
  return [...lines, 'Nothing was altered, removed, added or moved.'].join('\n');
}

async function run(files: readonly string[], options: VerifyOptions, command: Command): Promise<void> {
  const { output } = openSession(command);
  const log = verifierOf(options.logKey);
  const checkpoints = options.checkpoint.map((file) => checkpointOf(readText(file), file, log));
  const hashes = options.hashes === undefined ? undefined : new HashFile(options.hashes);
  const report = await verifyFiles(files, checkpoints, log, hashes);
  hashes?.close();
  const [first] = report.faults;
  if (first !== undefined) {
    const others = report.faults.slice(1).map(({ code, message }) => `${code}: ${message}`);
    throw new CliError(ExitCode.refused, first.code, first.message, others.join('\n') || undefined);
  }
  output.result({ ok: true, ...report }, describe(report, checkpoints));
}

const collect = (file: string, files: readonly string[]): readonly string[] => [...files, file];

/** `countersign audit verify`: checks an export offline. */
export function registerVerify(audit: Command): void {
  audit
    .command('verify')
    .summary('check an export offline against checkpoints')
    .description(
      'Checks NDJSON exports and sealed segments, in the log’s order, against signed checkpoints: no service is asked.\n' +
        'Names the first event that was altered, removed, added or moved, and the first number that never arrived.',
    )
    .argument('<files...>', 'exports or segments (.ndjson, .ndjson.gz), oldest first')
    .option('--checkpoint <file>', 'a signed checkpoint; twice or more, say an old and a new one', collect, [])
    .requiredOption('--log-key <key>', 'the log’s verifier key, or a file with it')
    .option('--hashes <file>', 'leaf hashes as `countersign audit hashes` fetched them: then what was altered is named')
    .addHelpText(
      'after',
      `
Examples:
  countersign audit verify events.ndjson --checkpoint monday.txt --checkpoint friday.txt --log-key log.key
  countersign audit verify 000000000000.ndjson.gz events.ndjson --checkpoint friday.txt --log-key log.key --hashes log.hashes`,
    )
    .action(run);
}
