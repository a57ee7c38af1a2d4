import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '@countersign/auth-core';
import { CliError, ExitCode } from '../cli-error.js';
import { type ExportLine, parseExportLine } from './export-line.js';

async function* ndjsonLines(input: Readable): AsyncGenerator<ExportLine | undefined> {
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (text !== '') yield parseExportLine(text);
  }
}

async function linesOf(file: string): Promise<AsyncIterable<ExportLine | undefined>> {
  const raw = createReadStream(file);
  const input = file.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  raw.once('error', (error) => input.destroy(error));
  if (!/\.csv(\.gz)?$/.test(file)) return ndjsonLines(input);
  // The event's columns need a library that NDJSON does not.
  const { csvLines } = await import('./export-csv.js');
  return csvLines(input.setEncoding('utf8'));
}

/**
 * The lines of a file, in constant memory: NDJSON, or CSV if its name ends in `.csv`; with an additional `.gz` it is decompressed.
 * @throws {CliError} for a line that is not from an export
 */
export async function* readExport(file: string): AsyncGenerator<ExportLine> {
  let number = 0;
  try {
    for await (const line of await linesOf(file)) {
      number += 1;
      if (line === undefined) {
        throw new CliError(
          ExitCode.refused,
          'EXPORT_UNREADABLE',
          `${file}, line ${String(number)}: not a line of an export`,
          'It must be a file that countersign audit export wrote, complete and unchanged.',
        );
      }
      yield line;
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(ExitCode.usage, 'FILE_UNREADABLE', messageOf(error));
  }
}
