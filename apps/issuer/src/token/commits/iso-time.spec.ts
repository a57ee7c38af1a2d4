import fc from 'fast-check';
import { isoTimes } from './iso-time.js';

describe('times of events', () => {
  it('are what Date writes, whichever came before', () => {
    const isoTime = isoTimes();
    const near = fc.integer({ min: 1_700_000_000_000, max: 1_700_000_003_000 });
    fc.assert(
      fc.property(fc.array(fc.oneof(near, fc.integer({ min: 0, max: 253_402_300_799_999 }))), (times) => {
        expect(times.map(isoTime)).toEqual(times.map((ms) => new Date(ms).toISOString()));
      }),
    );
  });
});
