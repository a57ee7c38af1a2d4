import fc from 'fast-check';
import { bitsWithin } from '../postings/postings-counts.store.js';
import { Histogram } from './event-summary.js';

const sum = (histogram: Histogram): number =>
  histogram.buckets().reduce((total, { allowed, denied, failed }) => total + allowed + denied + failed, 0);

describe('a histogram', () => {
  it('counts an event in its own time slot, and nowhere else', () => {
    const histogram = new Histogram({ from: 0, to: 100, count: 4 });
    for (const time of [0, 24, 25, 99, 100, -1]) histogram.add(time, 'allowed');
    expect(histogram.buckets().map(({ allowed }) => allowed)).toEqual([2, 1, 0, 1]);
    expect(histogram.buckets()[1]?.from).toBe('1970-01-01T00:00:00.025Z');
  });

  it('spreads what is known only roughly over the time between, and leaves out what is outside', () => {
    const histogram = new Histogram({ from: 0, to: 100, count: 4 });
    histogram.spread(-50, 50, 'denied', 100);
    expect(histogram.buckets().map(({ denied }) => denied)).toEqual([25, 25, 0, 0]);
  });

  it('keeps the number of what it spreads within its time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 1, max: 60 }),
        (a, b, count) => {
          const histogram = new Histogram({ from: 0, to: 1_001, count });
          histogram.spread(Math.min(a, b), Math.max(a, b), 'failed', 10_000);
          expect(Math.abs(sum(histogram) - 10_000)).toBeLessThanOrEqual(count);
        },
      ),
    );
  });
});

describe('the bits of an index', () => {
  it('are counted from one up to another as one by one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(64), fc.nat(64), (bits, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        let expected = 0;
        for (let at = low; at < high; at += 1) expected += ((bits[at >> 3] ?? 0) >> (at & 7)) & 1;
        expect(bitsWithin(bits, low, high)).toBe(expected);
      }),
    );
  });
});
