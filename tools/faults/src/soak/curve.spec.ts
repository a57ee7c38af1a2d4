import fc from 'fast-check';
import { curveOf, isSteady } from './curve.js';

const values = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 6, maxLength: 500 });

describe('a curve', () => {
  it('shows at most sixty points, and its largest value among them', () => {
    fc.assert(
      fc.property(values, (looked) => {
        const { points, max } = curveOf('rows', looked);
        expect(points.length).toBeLessThanOrEqual(60);
        expect(Math.max(...points)).toBe(max);
        expect(max).toBe(Math.max(...looked));
      }),
    );
  });

  it('is steady when it stays within bounds, and not when it doubles', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 10_000 }), fc.integer({ min: 9, max: 300 }), (level, count) => {
        const level_ = Array.from({ length: count }, (_, index) => level + (index % 3));
        expect(isSteady(curveOf('rows', level_), 0)).toBe(true);
        const growing = Array.from({ length: count }, (_, index) => (level * index) / count);
        expect(isSteady(curveOf('rows', growing), 0)).toBe(false);
      }),
    );
  });
});
