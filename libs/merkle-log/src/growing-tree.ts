import { concat, copyOf, zeros, type Bytes } from '#platform';
import { spanHash } from './span.js';
import { TILE_WIDTH, tileWidthAt } from './tile-path.js';
import { hashesOf, type Tile, TileHashes, type TilePlace } from './tiles.js';
import { HASH_LENGTH as HASH, rootOf } from './tree.js';

/** The unfinished tile of each level in a tree of that size: all that is needed to extend it. */
export function edgeOf(size: number): readonly TilePlace[] {
  const places: TilePlace[] = [];
  for (let level = 0, hashes = size; hashes > 0; level += 1, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const index = Math.floor(hashes / TILE_WIDTH);
    if (tileWidthAt(level, index, size) > 0) places.push({ level, index });
  }
  return places;
}

/** An append-only tree. It holds only its unfinished tiles (at most 8 KiB per level). */
export class GrowingTree {
  readonly #edge: Bytes[] = [];
  #size: number;

  /**
   * @param size leaves so far
   * @param tiles the tiles that {@link edgeOf} names, at least as wide as that size requires
   * @throws {RangeError} when one is missing
   */
  constructor(size = 0, tiles: readonly Tile[] = []) {
    this.#size = size;
    for (const { level, index } of edgeOf(size)) {
      const tile = tiles.find((candidate) => candidate.level === level && candidate.index === index);
      const length = tileWidthAt(level, index, size) * HASH;
      if (tile === undefined || tile.hashes.length < length) {
        throw new RangeError(`a tree of ${String(size)} needs the tile ${String(level)}/${String(index)}`);
      }
      this.#edge[level] = copyOf(tile.hashes.subarray(0, length));
    }
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Appends leaves.
   * @param leafHashes concatenated leaf hashes
   * @returns the tiles that changed, in their new width: each whole tile once, and the unfinished ones
   */
  append(leafHashes: Bytes): readonly Tile[] {
    if (leafHashes.length % HASH !== 0) throw new RangeError('each leaf hash must have 32 bytes');
    const changed: Tile[] = [];
    this.#grow(0, this.#size, leafHashes, changed);
    this.#size += leafHashes.length / HASH;
    return changed;
  }

  /** The root (RFC 9162, section 2.1.1); for an empty tree, the hash of nothing. */
  root(): Bytes {
    if (this.#size === 0) return rootOf([]);
    const tiles = edgeOf(this.#size).map((place) => ({ ...place, hashes: this.#edge[place.level] ?? zeros(0) }));
    return spanHash({ first: 0, end: this.#size }, new TileHashes(tiles));
  }

  /** @param hashesBefore how many hashes the level had */
  #grow(level: number, hashesBefore: number, hashes: Bytes, changed: Tile[]): void {
    if (hashes.length === 0) return;
    let index = Math.floor(hashesBefore / TILE_WIDTH);
    let rest = concat([this.#edge[level] ?? zeros(0), hashes]);
    const above: Bytes[] = [];
    for (; rest.length >= TILE_WIDTH * HASH; index += 1) {
      const whole = copyOf(rest.subarray(0, TILE_WIDTH * HASH));
      changed.push({ level, index, hashes: whole });
      above.push(rootOf(hashesOf(whole)));
      rest = rest.subarray(TILE_WIDTH * HASH);
    }
    this.#edge[level] = copyOf(rest);
    if (rest.length > 0) changed.push({ level, index, hashes: copyOf(rest) });
    this.#grow(level + 1, Math.floor(hashesBefore / TILE_WIDTH), concat(above), changed);
  }
}
