import fc from 'fast-check';
import {
  healthAfter,
  healthy,
  LONGEST_REST_MS,
  TROUBLE,
  type EndpointHealth,
  type Reception,
} from './endpoint-health.js';

const now = new Date('2026-01-01T00:00:00Z');
const random = fc.double({ min: 0, max: 1, noNaN: true });
const receptions = fc.array(fc.tuple(fc.constantFrom<Reception>('taken', 'refused', 'silent'), random), {
  maxLength: 40,
});
const after = (receptions: readonly (readonly [Reception, number])[]): EndpointHealth =>
  receptions.reduce((health, [reception, chance]) => healthAfter(health, reception, now, chance), healthy);
const restOf = ({ restUntil }: EndpointHealth): number => (restUntil?.getTime() ?? now.getTime()) - now.getTime();

describe('an endpoint’s health', () => {
  it('is good again after one success, whatever was before', () => {
    fc.assert(
      fc.property(receptions, (receptions) => {
        expect(after([...receptions, ['taken', 0.5]])).toEqual(healthy);
      }),
    );
  });

  it('pauses it immediately when it is silent, and only after several refusals in a row', () => {
    const refusals = (count: number) => Array.from({ length: count }, () => ['refused', 0.5] as const);
    expect(restOf(after([['silent', 0]]))).toBe(2_500);
    expect(restOf(after(refusals(TROUBLE - 1)))).toBe(0);
    expect(restOf(after(refusals(TROUBLE)))).toBe(3_750);
  });

  it('pauses it longer each time, up to the maximum', () => {
    fc.assert(
      fc.property(receptions, random, (receptions, chance) => {
        const before = after([...receptions, ['silent', chance]]);
        const next = healthAfter(before, 'silent', now, chance);
        expect(restOf(next)).toBeGreaterThanOrEqual(restOf(before));
        expect(restOf(next)).toBeLessThanOrEqual(LONGEST_REST_MS);
      }),
    );
  });

  it('counts attempts that failed together once', () => {
    const together = [healthAfter(healthy, 'silent', now, 0), healthAfter(healthy, 'silent', now, 1)];
    expect(together.map(({ failures }) => failures)).toEqual([TROUBLE, TROUBLE]);
  });
});
