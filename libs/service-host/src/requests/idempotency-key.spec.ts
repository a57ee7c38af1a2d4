import fc from 'fast-check';
import { fingerprintOf, parseIdempotencyKey, requestFingerprint } from './idempotency-key.js';
import { Problem } from '../problems/problem.js';

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

  it('distinguishes bodies whose members only look alike when joined', () => {
    expect(fingerprintOf(['ab', 'c'])).not.toBe(fingerprintOf(['a', 'bc']));
    expect(fingerprintOf(['a', 'b'])).toBe(fingerprintOf(['a', 'b']));
  });

  it('of a request is the same in whatever order the members of its body come, and another for any other body', () => {
    const printOf = (body: unknown) => requestFingerprint('POST', '/orders', body);
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([name, member]) => [name, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(printOf(reversed(body))).toBe(printOf(body));
      }),
    );
    const bodies = [undefined, null, {}, [], '', { a: 1 }, { a: '1' }, { a: [1] }, [['a', 1]], { b: 1 }];
    expect(new Set(bodies.map(printOf)).size).toBe(bodies.length);
    expect(requestFingerprint('POST', '/orders/1', {})).not.toBe(printOf({}));
  });
});
