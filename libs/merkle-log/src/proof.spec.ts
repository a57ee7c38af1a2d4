import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { GrowingTree } from './growing-tree.js';
import { consistencySpans, inclusionSpans, verifyConsistency, verifyInclusion } from './proof.js';
import { spanHash, subtreesOf } from './span.js';
import { tilesOf, TileHashes, type Tile } from './tiles.js';
import { leafHash, nodeHash, rootOf } from './tree.js';

// The inputs, roots and paths that implementations of RFC 6962 and 9162 share as test data.
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const leaves = entries.map((hex) => leafHash(Buffer.from(hex, 'hex')));
const roots = {
  1: '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  2: 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  3: 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  5: '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  6: '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  8: '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
} as const;
const knownInclusion = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
] as const;
const knownConsistency = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
] as const;

const unhex = (text: string): Buffer => Buffer.from(text, 'hex');
const naive = (from: readonly Buffer[]) => ({
  hashOf: ({ height, index }: { height: number; index: number }) =>
    rootOf(from.slice(index * 2 ** height, (index + 1) * 2 ** height)),
});
const hex = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('hex'));

/** A tree by its tiles only, as the service has it. */
function tiled(leafHashes: readonly Buffer[]): { hashes: TileHashes; root: Buffer } {
  const tree = new GrowingTree();
  const tiles = new Map<string, Tile>();
  for (const tile of tree.append(Buffer.concat(leafHashes)))
    tiles.set(`${String(tile.level)}/${String(tile.index)}`, tile);
  return { hashes: new TileHashes([...tiles.values()]), root: tree.root() };
}
const numbered = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(String(index))));

describe('proofs over the log', () => {
  it.each(knownInclusion)('have the known path of leaf %d in a tree of %d', (index, size, path) => {
    const hashes = inclusionSpans(index, size).map((span) => spanHash(span, naive(leaves)));
    expect(hex(hashes)).toEqual(path);
    expect(verifyInclusion(index, size, leaves[index] ?? Buffer.alloc(0), path.map(unhex), unhex(roots[size]))).toBe(
      true,
    );
  });

  it.each(knownConsistency)('have the known path from a tree of %d to one of %d', (older, newer, path) => {
    const hashes = consistencySpans(older, newer).map((span) => spanHash(span, naive(leaves)));
    expect(hex(hashes)).toEqual(path);
    expect(verifyConsistency(older, newer, unhex(roots[older]), unhex(roots[newer]), path.map(unhex))).toBe(true);
  });

  it('take the nodes that the examples of RFC 9162, section 2.1.5, name', () => {
    // Leaves 0 to 6 are a to f and j; g, h, i are their pairs, k joins g and h, l joins i and j.
    const nodes: Readonly<Record<string, string>> = {
      '0-1': 'a',
      '1-2': 'b',
      '2-3': 'c',
      '3-4': 'd',
      '4-5': 'e',
      '5-6': 'f',
      '6-7': 'j',
      '0-2': 'g',
      '2-4': 'h',
      '4-6': 'i',
      '0-4': 'k',
      '4-7': 'l',
    };
    const named = (spans: readonly { first: number; end: number }[]): string =>
      spans.map(({ first, end }) => nodes[`${String(first)}-${String(end)}`] ?? '?').join('');
    expect(named(inclusionSpans(0, 7))).toBe('bhl');
    expect(named(inclusionSpans(3, 7))).toBe('cgl');
    expect(named(inclusionSpans(4, 7))).toBe('fjk');
    expect(named(inclusionSpans(6, 7))).toBe('ik');
    expect(named(consistencySpans(3, 7))).toBe('cdgl');
    expect(named(consistencySpans(4, 7))).toBe('l');
    expect(named(consistencySpans(6, 7))).toBe('ijk');
  });

  it('agree with a naive tree for every size to 300, every leaf and many older sizes', () => {
    const all = numbered(300);
    const naiveRoots = Array.from({ length: 301 }, (_, size) => rootOf(all.slice(0, size)));
    const rootAt = (size: number): Buffer => naiveRoots[size] ?? Buffer.alloc(0);
    for (let size = 1; size <= 300; size += 1) {
      const { hashes, root } = tiled(all.slice(0, size));
      expect(root).toEqual(rootAt(size));
      const step = size < 40 ? 1 : 29;
      for (let at = size % step; at < size; at += step) {
        const spans = inclusionSpans(at, size);
        const path = spans.map((span) => spanHash(span, hashes));
        if (size % 29 === 0) expect(path).toEqual(spans.map(({ first, end }) => rootOf(all.slice(first, end))));
        if (!verifyInclusion(at, size, all[at] ?? Buffer.alloc(0), path, root))
          throw new Error(`${String(at)}/${String(size)}`);
        const grown = consistencySpans(at, size).map((span) => spanHash(span, hashes));
        if (!verifyConsistency(at, size, rootAt(at), root, grown)) throw new Error(`${String(at)} to ${String(size)}`);
      }
    }
  });

  it('agree with a naive tree for large trees of random sizes', () => {
    const all = numbered(70_000);
    // By the definition in RFC 9162, section 2.1.1, where the trees have most subtrees in common.
    const known = new Map<string, Buffer>();
    const naiveRoot = (first: number, end: number): Buffer => {
      const count = end - first;
      if (count === 1) return all[first] ?? Buffer.alloc(0);
      const key = `${String(first)}-${String(end)}`;
      const half = 2 ** (Math.ceil(Math.log2(count)) - 1);
      const root = known.get(key) ?? nodeHash(naiveRoot(first, first + half), naiveRoot(first + half, end));
      known.set(key, root);
      return root;
    };
    expect(naiveRoot(0, 1_000)).toEqual(rootOf(all.slice(0, 1_000)));
    for (const size of [65_536, 70_000, ...fc.sample(fc.integer({ min: 301, max: 69_999 }), 2)]) {
      const { hashes, root } = tiled(all.slice(0, size));
      expect(root).toEqual(naiveRoot(0, size));
      for (const index of [0, size - 1, ...fc.sample(fc.integer({ min: 0, max: size - 1 }), 1)]) {
        const spans = inclusionSpans(index, size);
        const path = spans.map((span) => spanHash(span, hashes));
        expect(verifyInclusion(index, size, all[index] ?? Buffer.alloc(0), path, root)).toBe(true);
        const grown = consistencySpans(index, size).map((span) => spanHash(span, hashes));
        expect(verifyConsistency(index, size, index === 0 ? rootOf([]) : naiveRoot(0, index), root, grown)).toBe(true);
        // One tile a level for each way that a path may leave it.
        expect(tilesOf(spans).length).toBeLessThanOrEqual(2 * 3);
      }
    }
  }, 120_000);

  it('are refused if leaf, place, size, root or any hash differs, or there is one hash too many or too few', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(), fc.nat(), (size, seed, choice) => {
        const all = numbered(size);
        const index = seed % size;
        const { hashes, root } = tiled(all);
        const leaf = all[index] ?? Buffer.alloc(0);
        const path = inclusionSpans(index, size).map((span) => spanHash(span, hashes));
        const other = leafHash(Buffer.from('other'));
        const changed = path.with(choice % path.length, other);
        expect(verifyInclusion(index, size, other, path, root)).toBe(false);
        expect(verifyInclusion((index + 1) % size, size, leaf, path, root)).toBe(false);
        expect(verifyInclusion(index, size, leaf, changed, root)).toBe(false);
        expect(verifyInclusion(index, size, leaf, [...path, other], root)).toBe(false);
        expect(verifyInclusion(index, size, leaf, path.slice(1), root)).toBe(false);
        expect(verifyInclusion(index, size, leaf, path, other)).toBe(false);
        expect(verifyInclusion(size, size, leaf, path, root)).toBe(false);
        const older = 1 + (seed % (size - 1));
        const olderRoot = rootOf(all.slice(0, older));
        const grown = consistencySpans(older, size).map((span) => spanHash(span, hashes));
        const forged = grown.with(choice % grown.length, other);
        expect(verifyConsistency(older, size, olderRoot, root, forged)).toBe(false);
        expect(verifyConsistency(older, size, olderRoot, root, grown.slice(1))).toBe(false);
        expect(verifyConsistency(older, size, olderRoot, root, [...grown, other])).toBe(false);
        expect(verifyConsistency(older, size, other, root, grown)).toBe(false);
        expect(verifyConsistency(older, size, olderRoot, other, grown)).toBe(false);
      }),
    );
  });

  it('from the empty tree hold for its own root only, and need no nodes', () => {
    const newer = rootOf(numbered(5));
    expect(verifyConsistency(0, 5, rootOf([]), newer, [])).toBe(true);
    expect(verifyConsistency(0, 0, rootOf([]), rootOf([]), [])).toBe(true);
    expect(verifyConsistency(0, 5, leafHash(Buffer.from('another log')), newer, [])).toBe(false);
    expect(verifyConsistency(0, 0, newer, newer, [])).toBe(false);
    expect(verifyConsistency(0, 5, rootOf([]), newer, [newer])).toBe(false);
  });

  it('hold for no hash that is not 32 bytes, in any position', () => {
    const lengths = fc.nat({ max: 80 }).filter((length) => length !== 32);
    fc.assert(
      fc.property(lengths, fc.constantFrom('leaf', 'root', 'sibling'), (length, where) => {
        const odd = Buffer.alloc(length, 1);
        const leaf = where === 'leaf' ? odd : (leaves[0] ?? Buffer.alloc(0));
        const sibling = where === 'sibling' ? odd : (leaves[1] ?? Buffer.alloc(0));
        const root = createHash('sha256').update(Buffer.of(1)).update(leaf).update(sibling).digest();
        expect(verifyInclusion(0, 2, leaf, [sibling], where === 'root' ? odd : root)).toBe(false);
        expect(verifyConsistency(1, 2, leaf, where === 'root' ? odd : root, [sibling])).toBe(false);
        expect(verifyInclusion(0, 1, odd, [], odd)).toBe(false);
        expect(verifyConsistency(2, 2, odd, odd, [])).toBe(false);
      }),
    );
    expect(verifyInclusion(0, 2, leaves[0] ?? Buffer.alloc(0), [leaves[1] ?? Buffer.alloc(0)], unhex(roots[2]))).toBe(
      true,
    );
  });

  it('do not exist for leaves and sizes that the tree does not have', () => {
    for (const [index, size] of [
      [-1, 3],
      [3, 3],
      [0.5, 3],
      [0, 0],
      [Number.NaN, 3],
    ] as const) {
      expect(() => inclusionSpans(index, size)).toThrow(RangeError);
    }
    for (const [older, newer] of [
      [4, 3],
      [-1, 3],
      [1, 2 ** 54],
    ] as const) {
      expect(() => consistencySpans(older, newer)).toThrow(RangeError);
    }
    expect(consistencySpans(0, 5)).toEqual([]);
    expect(subtreesOf({ first: 0, end: 7 })).toEqual([
      { height: 2, index: 0 },
      { height: 1, index: 2 },
      { height: 0, index: 6 },
    ]);
  });
});
