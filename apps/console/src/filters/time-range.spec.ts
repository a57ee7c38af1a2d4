import { lengthText } from '../ui/time-text.js';
import { parseTime } from './time-range.js';

const now = Date.parse('2026-11-26T12:00:00Z');

describe('a time in the address', () => {
  it('is relative to now, or absolute', () => {
    expect(parseTime('-15m', now)).toBe(now - 900_000);
    expect(parseTime('-7d', now)).toBe(now - 7 * 86_400_000);
    expect(parseTime('now', now)).toBe(now);
    expect(parseTime('2026-11-26T10:00:00Z', now)).toBe(now - 7_200_000);
    expect(parseTime('2026-11-26 10:00:00+00:00', now)).toBe(now - 7_200_000);
  });

  it('without a zone is of the reader, a day from its begin on', () => {
    expect(parseTime('2026-11-26', now)).toBe(new Date(2026, 10, 26).getTime());
    expect(parseTime('2026-11-26 14:30', now)).toBe(new Date(2026, 10, 26, 14, 30).getTime());
  });

  it.each(['', 'yesterday', '-5', '7d', '2026-13-40', '26.11.2026', '-9999999m'])('is not %j', (text) => {
    expect(parseTime(text, now)).toBeUndefined();
  });

  it('has a length in short words', () => {
    expect([500, 1_500, 90_000, 5_400_000, 259_200_000].map(lengthText)).toEqual([
      '500 ms',
      '1.5 s',
      '1.5 min',
      '1.5 h',
      '3 days',
    ]);
  });

  it('is none outside the years that the server reads', () => {
    for (const text of ['-999999w', '-110000w', '0000-01-01', '0000-12-31T00:00Z', '9999-12-31T23:59:59-12:00'])
      expect([text, parseTime(text, now)]).toEqual([text, undefined]);
    expect(parseTime('-1000w', now)).toBe(now - 1_000 * 604_800_000);
  });
});
