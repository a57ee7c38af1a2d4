import { coverOf, spanOf, TILE_WIDTH, type Subtree, type TileHashes } from '@countersign/merkle-log';
import { type LogStore, type SignedCheckpoint } from '../log/log.store.js';
import { type LineProof, type SkippedLeaves } from './event-export.js';
import { type EventRow } from './event-search.js';

const TILE_HEIGHT = 8;

interface Step {
  readonly from: number;
  readonly leaf: Subtree;
  readonly skipped: readonly Subtree[];
  readonly tile: Subtree | undefined;
}

/** The proof of an export, line by line: each page reads the tiles it needs only once. */
export class ExportEvidence {
  #next: number;
  #tile = -1;

  /**
   * @param first where the export starts
   * @param passing sizes of trees that the proof passes through
   */
  constructor(
    private readonly log: Pick<LogStore, 'hashesOf'>,
    private readonly checkpoint: SignedCheckpoint,
    first: number,
    private readonly passing: readonly number[],
  ) {
    this.#next = first;
  }

  /** Represents all leaves below the first. */
  before(): Promise<SkippedLeaves> {
    return this.#skipped(0, this.#next);
  }

  /** Proofs of the rows, which follow the earlier ones in the log's order. */
  async of(rows: readonly EventRow[]): Promise<readonly LineProof[]> {
    const steps = rows.map(({ logIndex }) => this.#step(Number(logIndex)));
    const wanted = steps.flatMap(({ leaf, skipped, tile }) => [
      leaf,
      ...skipped,
      ...(tile === undefined ? [] : [tile]),
    ]);
    const known = await this.log.hashesOf(wanted.map(spanOf));
    return steps.map(({ from, leaf, skipped, tile }) => ({
      leafHash: base64(known, leaf),
      ...(skipped.length === 0
        ? {}
        : { skipped: { from: String(from), hashes: skipped.map((one) => base64(known, one)) } }),
      ...(tile === undefined ? {} : { tile: base64(known, tile) }),
    }));
  }

  /** Represents all leaves from after the last row to the checkpoint's end. */
  after(): Promise<SkippedLeaves> {
    return this.#skipped(this.#next, this.checkpoint.treeSize);
  }

  #step(logIndex: number): Step {
    const from = this.#next;
    this.#next = logIndex + 1;
    const tile = Math.floor(logIndex / TILE_WIDTH);
    const begins = tile !== this.#tile && (tile + 1) * TILE_WIDTH <= this.checkpoint.treeSize;
    this.#tile = tile;
    return {
      from,
      leaf: { height: 0, index: logIndex },
      skipped: coverOf({ first: from, end: logIndex }, this.passing),
      tile: begins ? { height: TILE_HEIGHT, index: tile } : undefined,
    };
  }

  async #skipped(from: number, end: number): Promise<SkippedLeaves> {
    const cover = coverOf({ first: from, end }, this.passing);
    const known = await this.log.hashesOf(cover.map(spanOf));
    return { from: String(from), hashes: cover.map((subtree) => base64(known, subtree)) };
  }
}

function base64(known: TileHashes, subtree: Subtree): string {
  return known.hashOf(subtree).toString('base64');
}
