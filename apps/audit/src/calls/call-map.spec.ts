import fc from 'fast-check';
import { callMapSchema, hoursOf, MAP_DAYS } from './call-map.js';

const HOUR = 3_600_000;
const now = new Date('2026-11-26T10:20:00Z');

describe('the hours of a map', () => {
  it('are the last 24, the one that runs included, when none are named', () => {
    expect(hoursOf({}, now)).toEqual({ from: new Date('2026-11-25T11:00:00Z'), to: new Date('2026-11-26T11:00:00Z') });
  });

  it('are whole, and cover the requested time', () => {
    const anyTime = fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 1, max: 300 * 24 * HOUR }), (from, length) => {
        const to = new Date(from.getTime() + length);
        const hours = hoursOf({ from, to }, now);
        expect(hours?.from.getTime()).toBeLessThanOrEqual(from.getTime());
        expect(hours?.to.getTime()).toBeGreaterThanOrEqual(to.getTime());
        for (const bound of [hours?.from, hours?.to]) expect((bound?.getTime() ?? 1) % HOUR).toBe(0);
        expect((hours?.to.getTime() ?? 0) - (hours?.from.getTime() ?? 0)).toBeLessThan(length + 2 * HOUR);
      }),
    );
  });

  it('are refused when they are too many, or end before they begin', () => {
    const from = new Date(now.getTime() - (MAP_DAYS + 1) * 24 * HOUR);
    expect(hoursOf({ from }, now)).toBeUndefined();
    expect(callMapSchema.safeParse({ from: '2026-11-02T00:00:00Z', to: '2026-11-01T00:00:00Z' }).success).toBe(false);
    expect(callMapSchema.safeParse({ from: 'yesterday' }).success).toBe(false);
  });
});
