import fc from 'fast-check';
import { limitFields } from './limit-fields.js';

const limit = { perMinute: 60_000, burst: 20_000 };
const left = (remaining: number, name = 'search'): string | undefined =>
  limitFields({ name, limit, remaining })['ratelimit'];

describe('the fields that report a caller’s limit', () => {
  it('is the number of remaining requests, rounded down, with three digits above a thousand', () => {
    const rendered = [0.9, 1, 599.6, 999.9, 1_000, 5_996, 19_999].map((remaining) => left(remaining));
    const counts = [0, 1, 599, 999, 1_000, 5_990, 19_900];
    expect(rendered).toEqual(counts.map((count) => `"search";r=${String(count)}`));
  });

  it('is never more than the true number, and at most one percent less', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (remaining) => {
        const count = Number(/r=(\d+)$/.exec(left(remaining) ?? '')?.[1]);
        expect(count).toBeLessThanOrEqual(remaining);
        expect(count).toBeGreaterThan(remaining * 0.99 - 1);
      }),
    );
  });

  it('follows the route class, and says when to retry once nothing is left', () => {
    expect([left(7), left(7, 'read'), left(8), left(7)]).toEqual([
      '"search";r=7',
      '"read";r=7',
      '"search";r=8',
      '"search";r=7',
    ]);
    const refused = { name: 'search', limit, remaining: 0, retryMs: 1_200, exhausted: 'rate' } as const;
    expect(limitFields(refused)).toEqual({
      'ratelimit-policy': '"search";q=20000;w=20',
      ratelimit: '"search";r=0;t=2',
      'retry-after': '2',
    });
    expect(limitFields({ name: '*', limit: {}, remaining: Infinity })['ratelimit']).toMatch(/^"default-month";r=\d+$/);
  });
});
