import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { knownIndex, knownIndexKeysOf, provable, readKnownIndex } from './known-index.js';

const logKey = () => generateKeyPairSync('ed25519').privateKey;
const [older, newer] = [logKey(), logKey()];
const keys = knownIndexKeysOf({ LOG_KEY: older });

describe('a log index that a source claims to know', () => {
  it('is read when audit sent it to that source, also after the log has changed its key', () => {
    fc.assert(
      fc.property(fc.string(), fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (source, index) => {
        const known = knownIndex(keys, source, index);
        expect(readKnownIndex(keys, source, known)).toBe(index);
        const both = knownIndexKeysOf({ LOG_KEY: newer, LOG_KEY_PREVIOUS: older });
        expect(readKnownIndex(both, source, known)).toBe(index);
      }),
    );
  });

  it('is nothing when it is made up, altered, of another source, or by another key', () => {
    const known = knownIndex(keys, 'payments', 41n);
    const [, code = ''] = known.split('.');
    for (const text of [
      '',
      '41',
      '41.',
      `42.${code}`,
      `041.${code}`,
      `41.${code}=`,
      `41.${code.slice(1)}`,
      `-1.${code}`,
    ])
      expect([text, readKnownIndex(keys, 'payments', text)]).toEqual([text, undefined]);
    expect(readKnownIndex(keys, 'accounts', known)).toBeUndefined();
    expect(readKnownIndex(knownIndexKeysOf({ LOG_KEY: newer }), 'payments', known)).toBeUndefined();
  });

  it('is the one of the last event of a place, and none of a dead letter', () => {
    const places = [
      { first: '7', last: '9', index: '100' },
      { first: '10', last: '10', index: null },
    ];
    const { places: sent } = provable({ source: 'payments', places }, keys);
    expect(sent.map(({ known }) => known && readKnownIndex(keys, 'payments', known))).toEqual([102n, undefined]);
  });
});
