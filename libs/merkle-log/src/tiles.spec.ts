import fc from 'fast-check';
import { decodeEntryBundle, encodeEntryBundle } from './entry-bundle.js';
import { edgeOf, GrowingTree } from './growing-tree.js';
import { parseTilePath, tilePath, tileWidthAt } from './tile-path.js';
import { TileHashes, TileMissingError, type Tile } from './tiles.js';
import { leafHash, rootOf } from './tree.js';

const numbered = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(String(index))));

describe('tiles', () => {
  it('have the paths of tlog-tiles', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 'entries', index: 0, width: 17 })).toBe('tile/entries/000.p/17');
    expect(tilePath({ level: 2, index: 1_000, width: 1 })).toBe('tile/2/x001/000.p/1');
  });

  it('are found by their path, and by no other', () => {
    const address = fc.record({
      level: fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 })),
      index: fc.integer({ min: 0, max: 2 ** 45 }),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(fc.property(address, (tile) => expect(parseTilePath(tilePath(tile))).toEqual(tile)));
    const wrong = [
      'tile/00/000',
      'tile/64/000',
      'tile/0/0',
      'tile/0/x000/001',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/01',
      'tile/0/001/002',
      'tile/0/x001',
      'tile/0/../000',
      '/tile/0/000',
      'tile/0/000/',
    ];
    for (const path of wrong) expect([path, parseTilePath(path)]).toEqual([path, undefined]);
  });

  it('match the example of tlog-tiles for 70,000 leaves in number and width', () => {
    expect(tileWidthAt(0, 272, 70_000)).toBe(256);
    expect(tileWidthAt(0, 273, 70_000)).toBe(112);
    expect(tileWidthAt(0, 274, 70_000)).toBe(0);
    expect(tileWidthAt(1, 0, 70_000)).toBe(256);
    expect(tileWidthAt(1, 1, 70_000)).toBe(17);
    expect(tileWidthAt(2, 0, 70_000)).toBe(1);
    expect(edgeOf(70_000)).toEqual([
      { level: 0, index: 273 },
      { level: 1, index: 1 },
      { level: 2, index: 0 },
    ]);
    expect(edgeOf(256)).toEqual([{ level: 1, index: 0 }]);
  });

  it('are the same whether the leaves arrive one by one, in batches, or after a restart', () => {
    const all = numbered(1_500);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 6 }), (portions) => {
        const stored = new Map<string, Tile>();
        let size = 0;
        for (const portion of portions) {
          const tree = new GrowingTree(size, [...stored.values()]);
          const next = all.slice(size, size + portion);
          for (const tile of tree.append(Buffer.concat(next))) {
            const key = `${String(tile.level)}/${String(tile.index)}`;
            const before = stored.get(key)?.hashes ?? Buffer.alloc(0);
            // A tile grows; its content does not change.
            expect(tile.hashes.subarray(0, before.length)).toEqual(before);
            expect(before.length).toBeLessThan(256 * 32);
            stored.set(key, tile);
          }
          size = tree.size;
          expect(tree.root()).toEqual(rootOf(all.slice(0, size)));
        }
        for (const { level, index, hashes } of stored.values())
          expect(hashes.length).toBe(tileWidthAt(level, index, size) * 32);
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it('that are missing or too narrow are named', () => {
    const [tile] = new GrowingTree().append(Buffer.concat(numbered(3)));
    const hashes = new TileHashes(tile === undefined ? [] : [tile]);
    expect(() => hashes.hashOf({ height: 1, index: 1 })).toThrow(TileMissingError);
    expect(() => hashes.hashOf({ height: 9, index: 0 })).toThrow(/1\/0/);
    expect(() => new GrowingTree(3, [])).toThrow(RangeError);
  });
});

describe('entry bundles', () => {
  it('contain what was put into them, each entry after its length', () => {
    expect(encodeEntryBundle([Buffer.from('ab'), Buffer.alloc(0)]).toString('hex')).toBe('000261620000');
    const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 });
    fc.assert(
      fc.property(entries, (list) => {
        expect(decodeEntryBundle(encodeEntryBundle(list))).toEqual(list.map((entry) => Buffer.from(entry)));
      }),
    );
  });

  it('are rejected when truncated or too large', () => {
    expect(decodeEntryBundle(Buffer.from('00036161', 'hex'))).toBeUndefined();
    expect(decodeEntryBundle(Buffer.alloc(1))).toBeUndefined();
    expect(decodeEntryBundle(Buffer.alloc(2 * 257))).toBeUndefined();
    expect(() => encodeEntryBundle([Buffer.alloc(65_536)])).toThrow(RangeError);
  });
});
