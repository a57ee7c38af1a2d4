/** Hashes of a whole tile, and entries of a whole bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256;

/** A tile of hashes at a level from 0, or a bundle of entries. */
export interface TileAddress {
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256; a whole one has 256. */
  readonly width: number;
}

const pathPattern = /^tile\/(0|[1-9][0-9]?|entries)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]` (C2SP tlog-tiles): index 1234067 is `x001/x234/067`. */
export function tilePath({ level, index, width }: TileAddress): string {
  const groups: string[] = [];
  for (let rest = index, last = true; last || rest > 0; last = false, rest = Math.floor(rest / 1_000)) {
    groups.unshift(`${last ? '' : 'x'}${String(rest % 1_000).padStart(3, '0')}`);
  }
  return `tile/${String(level)}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${String(width)}`}`;
}

/** Reads a tile's path; strict, so that each tile has only one path. @returns undefined for anything else */
export function parseTilePath(path: string): TileAddress | undefined {
  const [, levelText, indexText, widthText] = pathPattern.exec(path) ?? [];
  if (levelText === undefined || indexText === undefined) return undefined;
  const address: TileAddress = {
    level: levelText === 'entries' ? 'entries' : Number(levelText),
    index: Number(indexText.replaceAll(/[x/]/g, '')),
    width: widthText === undefined ? TILE_WIDTH : Number(widthText),
  };
  const inRange = Number.isSafeInteger(address.index) && (address.level === 'entries' || address.level <= 63);
  return inRange && tilePath(address) === path ? address : undefined;
}

/** How wide the tile is in a tree of that size: 0 when the tree does not reach it. */
export function tileWidthAt(level: number, index: number, treeSize: number): number {
  const hashes = Math.floor(treeSize / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}
