import fc from 'fast-check';
import { nextNightlyRun } from './nightly.js';

describe('the nightly run', () => {
  it('is at the hour, later than now, and within a day', () => {
    const times = fc.date({ min: new Date('2024-01-01'), max: new Date('2030-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 23 }), (now, hour) => {
        const next = nextNightlyRun(now, hour);
        expect([next.getUTCHours(), next.getUTCMinutes(), next.getUTCSeconds()]).toEqual([hour, 0, 0]);
        expect(next.getTime()).toBeGreaterThan(now.getTime());
        expect(next.getTime() - now.getTime()).toBeLessThanOrEqual(86_400_000);
      }),
    );
  });
});
