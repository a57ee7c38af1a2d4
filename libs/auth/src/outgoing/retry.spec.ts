import fc from 'fast-check';
import { isIdempotent, mayPass, pauseMs } from './retry.js';

describe('a retry', () => {
  it('is only for idempotent requests', () => {
    expect(['GET', 'HEAD', 'PUT', 'DELETE'].every((method) => isIdempotent(method, undefined))).toBe(true);
    expect([isIdempotent('POST', undefined), isIdempotent('PATCH', undefined), isIdempotent('POST', 'k')]).toEqual([
      false,
      false,
      true,
    ]);
    expect([429, 502, 503, 504].every(mayPass)).toBe(true);
    expect([200, 400, 401, 403, 404, 409, 422, 500].some(mayPass)).toBe(false);
  });

  it('waits between what Retry-After asks for and a ceiling that doubles', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(60_000),
        (attempt, random, asked) => {
          const pause = pauseMs(attempt, random, asked);
          expect(pause).toBeGreaterThanOrEqual(asked);
          expect(pause).toBeLessThanOrEqual(Math.max(asked, 5_000, 1));
          expect(Number.isInteger(pause)).toBe(true);
        },
      ),
    );
  });
});
