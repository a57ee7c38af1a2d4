// Runs in Node and, bundled, in a browser: it imports nothing but the log.
import {
  decodeEntryBundle,
  ExportCheck,
  formatTlogProof,
  fromBase64,
  GrowingTree,
  importVerifierKey,
  leafOf,
  openCheckpointAsync,
  parseTlogProof,
  rootOf,
  toHex,
  verifyConsistency,
  verifyInclusion,
  type Bytes,
  type Checkpoint,
  type ExportedEntry,
  type ExportPart,
  type Skipped,
} from '@countersign/merkle-log';

/** Bytes are base64. */
export interface ExportCase {
  readonly kind: 'export';
  readonly part: Omit<ExportPart, 'before' | 'checkpoint' | 'bridge'> & {
    readonly before: readonly string[];
    readonly checkpoint: CheckpointCase;
  };
  readonly entries: readonly {
    readonly logIndex: number;
    readonly event: unknown;
    readonly recorded: string;
    readonly skipped?: SkippedCase;
    readonly tile?: string;
  }[];
  readonly rest: SkippedCase;
  readonly kept: readonly CheckpointCase[];
}
export interface CheckpointCase {
  readonly size: number;
  readonly root: string;
}
export interface SkippedCase {
  readonly from: number;
  readonly hashes: readonly string[];
}

/** One question to the log's rules. Bytes are base64. */
export type Case =
  | ExportCase
  | { readonly kind: 'leaf'; readonly value: unknown }
  | { readonly kind: 'base64'; readonly text: string }
  | { readonly kind: 'tree'; readonly steps: readonly string[] }
  | { readonly kind: 'bundle'; readonly bytes: string }
  | { readonly kind: 'proof'; readonly text: string }
  | { readonly kind: 'note'; readonly note: string; readonly keys: readonly string[] }
  | {
      readonly kind: 'inclusion';
      readonly index: number;
      readonly size: number;
      readonly leaf: string;
      readonly root: string;
      readonly hashes: readonly string[];
    }
  | {
      readonly kind: 'consistency';
      readonly older: number;
      readonly newer: number;
      readonly olderRoot: string;
      readonly newerRoot: string;
      readonly hashes: readonly string[];
    };

const empty = rootOf([]).subarray(0, 0);
const bytes = (text: string): Bytes => fromBase64(text) ?? empty;
const checkpointOf = ({ size, root }: CheckpointCase): Checkpoint => ({ origin: 'log', size, root: bytes(root) });
const skippedOf = ({ from, hashes }: SkippedCase): Skipped => ({ from, hashes: hashes.map(bytes) });

function reportOf({ part, entries, rest, kept }: ExportCase): string {
  const check = new ExportCheck({ checkpoints: kept.map(checkpointOf) });
  check.begin({ ...part, before: part.before.map(bytes), checkpoint: checkpointOf(part.checkpoint) });
  for (const { logIndex, event, recorded, skipped, tile } of entries) {
    const entry: ExportedEntry = {
      logIndex,
      leaf: leafOf(event).hash,
      recorded: bytes(recorded),
      source: 'payments',
      sequence: BigInt(logIndex + 1),
      time: logIndex,
      ...(skipped === undefined ? {} : { skipped: skippedOf(skipped) }),
      ...(tile === undefined ? {} : { tile: bytes(tile) }),
    };
    check.add(entry);
  }
  check.end(skippedOf(rest));
  return JSON.stringify(check.finish());
}

function grown(steps: readonly string[]): string {
  const tree = new GrowingTree();
  const tiles = steps.flatMap((step) => tree.append(bytes(step)));
  const shown = tiles.map(({ level, index, hashes }) => `${String(level)}/${String(index)}:${toHex(hashes)}`);
  return `${toHex(tree.root())} ${shown.join(' ')}`;
}

async function answered(one: Case): Promise<string> {
  switch (one.kind) {
    case 'leaf':
      return toHex(leafOf(one.value).hash);
    case 'base64': {
      const read = fromBase64(one.text);
      return read === undefined ? 'refused' : toHex(read);
    }
    case 'tree':
      return grown(one.steps);
    case 'bundle':
      return decodeEntryBundle(bytes(one.bytes))?.map(toHex).join(' ') ?? 'refused';
    case 'proof': {
      const proof = parseTlogProof(one.text);
      return proof === undefined ? 'refused' : formatTlogProof(proof);
    }
    case 'note': {
      const keys = await Promise.all(one.keys.map(importVerifierKey));
      const { origin, size, root } = await openCheckpointAsync(one.note, keys);
      return `${origin} ${String(size)} ${toHex(root)}`;
    }
    case 'inclusion':
      return String(verifyInclusion(one.index, one.size, bytes(one.leaf), one.hashes.map(bytes), bytes(one.root)));
    case 'consistency': {
      const { older, newer, olderRoot, newerRoot, hashes } = one;
      return String(verifyConsistency(older, newer, bytes(olderRoot), bytes(newerRoot), hashes.map(bytes)));
    }
    case 'export':
      return reportOf(one);
  }
}

/** What the log's rules say, or how they refuse: the same text wherever they run. */
export async function outcomeOf(one: Case): Promise<string> {
  try {
    return await answered(one);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
