import { type Tile } from '@countersign/merkle-log';

/** Events of one sealed segment: a whole tile of level 1. */
export const SEGMENT_EVENTS = 65_536;

/** A row for a segment. */
export interface SealedEvent {
  readonly logIndex: number;
  readonly leafHash: Buffer;
  readonly event: unknown;
}

/** What proves a segment by itself. */
export interface SegmentProof {
  readonly first: number;
  readonly end: number;
  /** The incomplete tiles of the tree with `first` leaves: together with the events they determine the root at `end`. */
  readonly edge: readonly Tile[];
  /** The signed checkpoint at the time of sealing. */
  readonly checkpoint: string;
  /** Proves that the checkpoint's tree begins with the tree of `end` leaves (RFC 9162, section 2.1.4). */
  readonly consistency: readonly Buffer[];
}

/** `000000065536.ndjson.gz`: names sort as the log does. */
export function segmentFile(first: number): string {
  return `${String(first).padStart(12, '0')}.ndjson.gz`;
}

/** The first line of a segment. */
export function segmentHead({ first, end, edge, checkpoint, consistency }: SegmentProof): string {
  const segment = {
    first_index: String(first),
    end_index: String(end),
    edge: edge.map(({ level, index, hashes }) => ({ level, index, hashes: hashes.toString('base64') })),
    checkpoint,
    consistency: consistency.map((hash) => hash.toString('base64')),
  };
  return `${JSON.stringify({ segment })}\n`;
}

/** One event's line; as in an export, plus the leaf hash. */
export function segmentLine({ logIndex, leafHash, event }: SealedEvent): string {
  return `${JSON.stringify({ log_index: String(logIndex), leaf_hash: leafHash.toString('base64'), event })}\n`;
}
