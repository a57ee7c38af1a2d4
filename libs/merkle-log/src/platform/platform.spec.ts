import fc from 'fast-check';
import * as browser from './browser.js';
import * as node from './node.js';

const anyBytes = fc.uint8Array({ maxLength: 400 });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('what a browser hashes and encodes with', () => {
  it('gives the hashes of Node, for every length around a block and in any parts', () => {
    for (let length = 0; length <= 260; length += 1) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + length) % 256);
      expect(hex(browser.sha256(bytes))).toBe(hex(node.sha256(bytes)));
    }
    const long = new Uint8Array(1_000_003).fill(0x61);
    expect(hex(browser.sha256(long))).toBe(hex(node.sha256(long)));
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 5 }), (parts) => {
        expect(hex(browser.sha256(...parts))).toBe(hex(node.sha256(...parts)));
      }),
    );
    const anyHash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(anyHash, anyHash, (left, right) => {
        const expected = hex(node.sha256(Uint8Array.of(1), left, right));
        expect(hex(node.sha256OfPair(1, left, right))).toBe(expected);
        expect(hex(browser.sha256OfPair(1, left, right))).toBe(expected);
      }),
    );
  });

  it('reads, writes and compares as Node does, and refuses the same base64', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, fc.string({ unit: 'grapheme' }), (one, other, text) => {
        const [here, there] = [browser.copyOf(one), node.copyOf(one)];
        expect(browser.toBase64(here)).toBe(node.toBase64(there));
        expect(browser.toHex(here)).toBe(node.toHex(there));
        expect(browser.equal(one, other)).toBe(node.equal(one, other));
        expect(browser.equal(one, here)).toBe(true);
        expect(hex(browser.concat([one, other]))).toBe(hex(node.concat([one, other])));
        expect(hex(browser.utf8(text))).toBe(hex(node.utf8(text)));
        expect(browser.utf8Length(text)).toBe(node.utf8Length(text));
        expect(hex(browser.sha256OfText(text))).toBe(hex(node.sha256OfText(text)));
      }),
    );
    const anyBase64 = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'ABab01+/=- \n') }),
      anyBytes.map((bytes) => Buffer.from(bytes).toString('base64')),
    );
    fc.assert(
      fc.property(anyBase64, (text) => {
        const [here, there] = [browser.fromBase64(text), node.fromBase64(text)];
        expect(here === undefined ? here : hex(here)).toBe(there === undefined ? there : hex(there));
      }),
    );
  });
});
