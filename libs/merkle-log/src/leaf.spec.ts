import fc from 'fast-check';
import { LEAF_SIZE_LIMIT, LeafError, leafOf } from './leaf.js';
import { leafHash } from './tree.js';

describe('a leaf', () => {
  it('is the canonical JSON of RFC 8785', () => {
    // The sample of RFC 8785, section 3.2.2, and its canonical form of section 3.2.3.
    const sample = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    ) as unknown;
    const canonical =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
    const leaf = leafOf(sample);
    expect(leaf.json).toBe(canonical);
    expect(leaf.hash).toEqual(leafHash(Buffer.from(canonical)));
  });

  it('is the same however the value was written or stored in between', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        const stored = JSON.parse(JSON.stringify(reversed, null, 2)) as unknown;
        expect(leafOf(stored)).toEqual(leafOf(value));
      }),
    );
  });

  it('has a limit, and must be representable in JSON', () => {
    expect(leafOf('x'.repeat(LEAF_SIZE_LIMIT - 2)).json).toHaveLength(LEAF_SIZE_LIMIT);
    expect(() => leafOf('x'.repeat(LEAF_SIZE_LIMIT - 1))).toThrow(expect.objectContaining({ code: 'LEAF_TOO_LARGE' }));
    for (const value of [undefined, Number.NaN, '\ud800', { a: Number.POSITIVE_INFINITY }]) {
      expect(() => leafOf(value)).toThrow(LeafError);
    }
  });
});
