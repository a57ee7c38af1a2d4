import { anyText } from '@countersign/arbitraries';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalJson, CanonicalJsonError, DEPTH_LIMIT } from './canonical-json.js';

const text = fc.oneof(anyText(), fc.string({ unit: 'grapheme' }));
const value = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.dictionary(fc.oneof(text, fc.integer().map(String), fc.constant('__proto__')), tie('tree'), { maxKeys: 8 }),
  ),
})).tree;

describe('canonical JSON', () => {
  it('is the same as that of the package canonicalize', () => {
    fc.assert(
      fc.property(value, (any) => {
        const parsed = JSON.parse(JSON.stringify(any)) as unknown;
        expect(canonicalJson(parsed)).toBe(canonicalize(parsed));
      }),
      { numRuns: 2_000 },
    );
  });

  it('sorts names by UTF-16 code units, numbers among them', () => {
    expect(canonicalJson({ 10: 1, 9: 2, '\u{1f600}': 3, '\ufb33': 4, a: 5, A: 6 })).toBe(
      '{"10":1,"9":2,"A":6,"a":5,"\u{1f600}":3,"\ufb33":4}',
    );
  });

  it('does not exist for lone surrogates, for values that JSON cannot represent, and beyond a depth', () => {
    let deep: unknown = 1;
    for (let level = 0; level < DEPTH_LIMIT; level += 1) deep = [deep];
    expect(canonicalJson(deep)).toHaveLength(2 * DEPTH_LIMIT + 1);
    const wrong = [[deep], { a: '\udc00' }, { '\ud800': 1 }, Number.NaN, undefined, 1n, () => 1, Symbol('x')];
    for (const one of wrong) expect(() => canonicalJson(one)).toThrow(CanonicalJsonError);
  });
});
