import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { checkpointText } from './checkpoint.js';
import { hashesOf } from './tiles.js';
import { formatTlogProof } from './tlog-proof.js';
import { leafHash, nodeHash, rootOf } from './tree.js';

// The inputs and roots that implementations of RFC 6962 and 9162 share as test data.
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const leaves = entries.map((hex) => leafHash(Buffer.from(hex, 'hex')));

describe('the Merkle tree of RFC 9162', () => {
  it.each(roots.map((root, index) => [index + 1, root] as const))('has the known root over %d leaves', (size, root) => {
    expect(rootOf(leaves.slice(0, size)).toString('hex')).toBe(root);
  });

  it('has the hash of nothing as the root of nothing', () => {
    expect(rootOf([])).toEqual(createHash('sha256').digest());
  });

  it('changes its root when any leaf changes, moves or is removed', () => {
    const bytes = fc.uint8Array({ maxLength: 20 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 2, maxLength: 40 }), fc.nat(), (items, seed) => {
        const hashes = items.map(leafHash);
        const root = rootOf(hashes).toString('hex');
        const at = seed % hashes.length;
        expect(
          rootOf(hashes.with(at, leafHash(Buffer.from(`changed ${String(seed)} by this test`)))).toString('hex'),
        ).not.toBe(root);
        expect(rootOf(hashes.toSpliced(at, 1)).toString('hex')).not.toBe(root);
      }),
    );
  });

  it('is made of hashes of 32 bytes only', () => {
    const [good = Buffer.alloc(32)] = leaves;
    for (const odd of [good.subarray(1), Buffer.concat([good, Buffer.of(0)]), Buffer.alloc(0)]) {
      expect(() => nodeHash(good, odd)).toThrow(RangeError);
      expect(() => nodeHash(odd, good)).toThrow(RangeError);
      expect(() => rootOf([odd])).toThrow(RangeError);
      expect(() => rootOf([good, good, odd])).toThrow(RangeError);
      expect(() => checkpointText({ origin: 'log.test', size: 1, root: odd })).toThrow(RangeError);
      expect(() => formatTlogProof({ index: 0, hashes: [odd], checkpoint: '' })).toThrow(RangeError);
    }
    expect(() => hashesOf(Buffer.concat([good, Buffer.of(1)]))).toThrow(RangeError);
  });

  it('keeps leaves and nodes apart, so that a node cannot pose as a leaf', () => {
    const left = leafHash(Buffer.from('a'));
    const right = leafHash(Buffer.from('b'));
    expect(leafHash(Buffer.concat([left, right]))).not.toEqual(nodeHash(left, right));
  });
});
