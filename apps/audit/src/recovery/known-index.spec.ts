import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { isWithinPlace, knownIndexKeysOf, knownPlace, provable, readKnownPlace } from './known-index.js';

const logKey = () => generateKeyPairSync('ed25519').privateKey;
const [older, newer] = [logKey(), logKey()];
const keys = knownIndexKeysOf({ LOG_KEY: older });
const number = fc.bigInt({ min: 0n, max: 10n ** 18n - 1n });

describe('a log index that a source claims to know', () => {
  it('is accepted if audit sent it to that source, even after the log has changed its key', () => {
    fc.assert(
      fc.property(fc.string(), number, number, number, (source, index, first, last) => {
        const place = { index, first, last };
        const known = knownPlace(keys, source, place);
        expect(known.length).toBeLessThanOrEqual(100);
        expect(readKnownPlace(keys, source, known)).toEqual(place);
        const both = knownIndexKeysOf({ LOG_KEY: newer, LOG_KEY_PREVIOUS: older });
        expect(readKnownPlace(both, source, known)).toEqual(place);
      }),
    );
  });

  it('is ignored if it is made up, altered, of another source, or by another key', () => {
    const known = knownPlace(keys, 'payments', { index: 41n, first: 7n, last: 9n });
    const code = known.slice(known.lastIndexOf('.') + 1);
    for (const text of [
      '',
      '41',
      '41.',
      `41.${code}`,
      `41.7.9.`,
      `42.7.9.${code}`,
      `41.6.9.${code}`,
      `41.7.10.${code}`,
      `041.7.9.${code}`,
      `41.7.9.${code}=`,
      `41.7.9.${code.slice(1)}`,
      `-1.7.9.${code}`,
    ])
      expect([text, readKnownPlace(keys, 'payments', text)]).toEqual([text, undefined]);
    expect(readKnownPlace(keys, 'accounts', known)).toBeUndefined();
    expect(readKnownPlace(knownIndexKeysOf({ LOG_KEY: newer }), 'payments', known)).toBeUndefined();
  });

  it('is the one of the last event of a place, and none of a dead letter', () => {
    const places = [
      { first: '7', last: '9', index: '100' },
      { first: '10', last: '10', index: null },
    ];
    const { places: sent } = provable({ source: 'payments', places }, keys);
    const place = { index: 102n, first: 7n, last: 9n };
    expect(sent.map(({ known }) => known && readKnownPlace(keys, 'payments', known))).toEqual([place, undefined]);
    const within = [
      [7n, 100n],
      [9n, 102n],
      [6n, 99n],
      [10n, 103n],
      [8n, 100n],
    ] as const;
    expect(within.map(([sequence, index]) => isWithinPlace(place, sequence, index))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
