import { fingerprintOf, parseIdempotencyKey } from './idempotency-key.js';
import { Problem } from './problem.js';

const codeOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error instanceof Problem ? [error.status, error.code] : error;
  }
};

describe('an Idempotency-Key', () => {
  it('is read bare or quoted, and must be 1 to 255 printable characters', () => {
    expect(parseIdempotencyKey('abc')).toBe('abc');
    expect(parseIdempotencyKey('"abc"')).toBe('abc');
    expect(codeOf(() => parseIdempotencyKey(undefined))).toEqual([400, 'IDEMPOTENCY_KEY_MISSING']);
    for (const bad of ['', 'a b', 'x'.repeat(256), ['a', 'b'], '\u00e9']) {
      expect(codeOf(() => parseIdempotencyKey(bad))).toEqual([400, 'IDEMPOTENCY_KEY_INVALID']);
    }
  });

  it('tells bodies apart whose members only look alike when joined', () => {
    expect(fingerprintOf(['ab', 'c'])).not.toBe(fingerprintOf(['a', 'bc']));
    expect(fingerprintOf(['a', 'b'])).toBe(fingerprintOf(['a', 'b']));
  });
});
