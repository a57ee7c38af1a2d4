import { randomBytes } from 'node:crypto';
import { randomHex } from './random-hex.js';

describe('randomHex', () => {
  it('returns as many digits as the generator itself would, within a page and across its end', () => {
    for (const bytes of [1, 8, 16, 511, 512]) {
      for (let time = 0; time < 40; time += 1) {
        const digits = randomHex(2 * bytes);
        expect(digits).toMatch(/^[0-9a-f]+$/);
        expect(digits).toHaveLength(randomBytes(bytes).toString('hex').length);
      }
    }
  });

  it('never returns the same digits twice', () => {
    const ids = Array.from({ length: 5_000 }, () => randomHex(19));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refuses more digits than a page may supply', () => {
    expect(() => randomHex(1_025)).toThrow(RangeError);
  });
});
