import { type Bytes } from '#platform';
import { type Span, type Subtree, type SubtreeHashes, subtreesOf } from './span.js';
import { TILE_WIDTH } from './tile-path.js';
import { HASH_LENGTH as HASH, rootOf } from './tree.js';

const TILE_HEIGHT = 8;

/** A tile's place: the `index`-th of its level. */
export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

/** A tile's content: up to 256 concatenated hashes. */
export interface Tile extends TilePlace {
  readonly hashes: Bytes;
}

/** The position of a subtree's hashes: in one tile, 2^`height` hashes from `offset`. */
function placeOf({ height, index }: Subtree): TilePlace & { readonly offset: number; readonly count: number } {
  const level = Math.floor(height / TILE_HEIGHT);
  const count = 2 ** (height % TILE_HEIGHT);
  const start = index * count;
  return { level, index: Math.floor(start / TILE_WIDTH), offset: start % TILE_WIDTH, count };
}

/** The tiles that the spans are hashed from, each once: at most one per level and span. */
export function tilesOf(spans: readonly Span[]): readonly TilePlace[] {
  const places = new Map<string, TilePlace>();
  for (const subtree of spans.flatMap(subtreesOf)) {
    const { level, index } = placeOf(subtree);
    places.set(`${String(level)}/${String(index)}`, { level, index });
  }
  return [...places.values()];
}

/** Thrown when a tile that is needed is missing or too narrow. */
export class TileMissingError extends Error {
  readonly code = 'TILE_MISSING';
  constructor({ level, index }: TilePlace) {
    super(`tile ${String(level)}/${String(index)} is missing or incomplete`);
    this.name = 'TileMissingError';
  }
}

/** Hashes of subtrees, read from tiles. */
export class TileHashes implements SubtreeHashes {
  readonly #tiles: ReadonlyMap<string, Bytes>;

  constructor(tiles: readonly Tile[]) {
    this.#tiles = new Map(tiles.map(({ level, index, hashes }) => [`${String(level)}/${String(index)}`, hashes]));
  }

  /** @throws {TileMissingError} */
  hashOf(subtree: Subtree): Bytes {
    const { level, index, offset, count } = placeOf(subtree);
    const hashes = this.#tiles.get(`${String(level)}/${String(index)}`);
    if (hashes === undefined || hashes.length < (offset + count) * HASH) throw new TileMissingError({ level, index });
    return rootOf(hashesOf(hashes.subarray(offset * HASH, (offset + count) * HASH)));
  }
}

/** Splits concatenated hashes. @throws {RangeError} if the last one is incomplete */
export function hashesOf(bytes: Bytes): readonly Bytes[] {
  if (bytes.length % HASH !== 0) throw new RangeError(`${String(bytes.length)} bytes are not hashes of 32 bytes each`);
  const hashes: Bytes[] = [];
  for (let at = 0; at + HASH <= bytes.length; at += HASH) hashes.push(bytes.subarray(at, at + HASH));
  return hashes;
}
