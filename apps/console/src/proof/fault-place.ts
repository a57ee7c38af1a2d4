import {
  copyOf,
  decodeEntryBundle,
  equal,
  leafHash,
  TILE_WIDTH,
  tilePath,
  tileWidthAt,
  type Checkpoint,
  type Fault,
} from '@countersign/merkle-log';
import { changedPlace, type ChangedPlace } from './changed-byte.js';
import { TreeReader, type LogSource } from './log-source.js';

/** A fault of an export, and its place in the file. */
export interface FaultPlace {
  readonly fault: string;
  /** From 1; undefined if it does not concern a single line. */
  readonly line?: number;
  readonly logIndex?: number;
  readonly changed?: ChangedPlace;
  /** Where the line stops being readable. */
  readonly unreadable?: Pick<ChangedPlace, 'offset' | 'column'>;
}

/** A line of a text file. */
export interface LineOf {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  readonly offset: number;
}

/** The lines of a text, with their places in it as UTF-8. */
export function* linesOf(text: string): Generator<LineOf> {
  const encoder = new TextEncoder();
  let [number, offset] = [0, 0];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end === -1 ? text.length : end);
    number += 1;
    yield { text: line, number, offset };
    offset += encoder.encode(line).length + 1;
    at += line.length + 1;
  }
}

/** The log's event at an index, proven by its leaf hash. @returns undefined if it cannot be fetched */
async function heldEvent(log: LogSource, { size }: Checkpoint, index: number): Promise<unknown> {
  const bundle = Math.floor(index / TILE_WIDTH);
  const width = tileWidthAt(0, bundle, size);
  const [leaf, bytes] = await Promise.all([
    new TreeReader(log, size).leafAt(index),
    log.bytes(tilePath({ level: 'entries', index: bundle, width })),
  ]);
  const entry = decodeEntryBundle(copyOf(bytes))?.[index % TILE_WIDTH];
  if (entry === undefined || leaf === undefined || !equal(leafHash(entry), leaf)) return undefined;
  return JSON.parse(new TextDecoder().decode(entry));
}

/** A fault's place in the file, and for an altered event the byte. */
export async function placeOf(
  log: LogSource,
  trusted: Checkpoint,
  fault: Fault,
  lines: ReadonlyMap<number, LineOf>,
): Promise<FaultPlace> {
  const { message, logIndex, code } = fault;
  const line = logIndex === undefined ? undefined : lines.get(logIndex);
  const where = { fault: `${code}: ${message}`, ...(logIndex === undefined ? {} : { logIndex }) };
  if (line === undefined || logIndex === undefined) return where;
  const held = code === 'EVENT_ALTERED' ? await heldEvent(log, trusted, logIndex).catch(() => undefined) : undefined;
  const changed = held === undefined ? undefined : changedPlace(line.text, line.offset, held);
  return { ...where, line: line.number, ...(changed === undefined ? {} : { changed }) };
}
