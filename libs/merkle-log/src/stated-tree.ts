import { equal, type Bytes } from '#platform';
import { CompactRange, rootOfPeaks, type Peak } from './compact-range.js';
import { TILE_WIDTH } from './tile-path.js';

const TILE_HEIGHT = 8;

/** The roots of a tree as stated by an export. */
export interface StatedRoots {
  /** Computed from its leaves, and from whole subtrees where it omits events. */
  readonly computed: Bytes;
  /** The same, with the hashes that the export states for its tiles instead of those that follow from its leaves. */
  readonly stated: Bytes;
}

/**
 * The tree implied by an export, in constant memory. It is built twice, from the leaves and from the export's tile hashes, so
 * that a wrong leaf can be located within its tile of 256.
 */
export class StatedTree {
  #computed = new CompactRange();
  #stated = new CompactRange();
  #tile = new CompactRange();
  #size = 0;
  #claim: Bytes | undefined;
  #whole = true;
  #tileWhole = true;
  #doubtful: number | undefined;

  /** A copy that grows independently from here. */
  fork(): StatedTree {
    const fork = new StatedTree();
    fork.#computed = new CompactRange(this.#computed.peaks);
    fork.#stated = new CompactRange(this.#stated.peaks);
    fork.#tile = new CompactRange(this.#tile.peaks);
    fork.#size = this.#size;
    fork.#claim = this.#claim;
    fork.#whole = this.#whole;
    fork.#tileWhole = this.#tileWhole;
    fork.#doubtful = this.#doubtful;
    return fork;
  }

  get size(): number {
    return this.#size;
  }

  /** Start of the first tile whose leaves do not match the hash that the export states for it. */
  get doubtful(): number | undefined {
    return this.#doubtful;
  }

  /** Largest first; nothing once leaves are unknown. */
  get peaks(): readonly Peak[] | undefined {
    return this.#whole && this.#tileWhole ? [...this.#computed.peaks, ...this.#tile.peaks] : undefined;
  }

  /** Adds a leaf (height 0) or a complete subtree. */
  push(height: number, hash: Bytes): void {
    this.#size += 2 ** height;
    if (height >= TILE_HEIGHT) {
      this.#computed.push(height, hash);
      this.#stated.push(height, hash);
      return;
    }
    if (this.#tileWhole) this.#tile.push(height, hash);
    if (this.#size % TILE_WIDTH === 0) this.#closeTile();
  }

  /** Continues at a later size, past leaves that are not stated. */
  skipTo(size: number): void {
    while (this.#size < size) {
      const tileEnd = (Math.floor(this.#size / TILE_WIDTH) + 1) * TILE_WIDTH;
      this.#tileWhole = false;
      this.#size = Math.min(size, tileEnd);
      if (this.#size === tileEnd) this.#closeTile();
    }
  }

  /** What the export states about the whole tile that contains the next leaf. */
  claim(tile: Bytes): void {
    this.#claim ??= tile;
  }

  /** Nothing once leaves are unknown. */
  roots(): StatedRoots | undefined {
    if (!this.#whole || !this.#tileWhole) return undefined;
    const within = this.#tile.peaks;
    return {
      computed: rootOfPeaks([...this.#computed.peaks, ...within]),
      stated: rootOfPeaks([...this.#stated.peaks, ...within]),
    };
  }

  #closeTile(): void {
    const claim = this.#claim;
    const computed = this.#tileWhole ? this.#tile.peaks[0]?.hash : claim;
    this.#claim = undefined;
    this.#tile = new CompactRange();
    this.#tileWhole = true;
    if (computed === undefined) this.#whole = false;
    if (computed === undefined || !this.#whole) return;
    this.#computed.push(TILE_HEIGHT, computed);
    this.#stated.push(TILE_HEIGHT, claim ?? computed);
    if (claim !== undefined && !equal(claim, computed)) this.#doubtful ??= this.#size - TILE_WIDTH;
  }
}
