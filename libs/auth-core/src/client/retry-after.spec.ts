import { retryAfterOf } from './retry-after.js';

describe('Retry-After', () => {
  const now = 1_800_000_000_000;
  it.each([
    ['120', 120],
    ['0', 0],
    [' 3 ', 3],
    [new Date(1_800_000_030_000).toUTCString(), 30],
    ['Friday, 15-Jan-27 08:00:04 GMT', 4],
    [new Date(1_700_000_000_000).toUTCString(), 0],
    ['soon', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['2027', 2027],
    ['2027-01-15', undefined],
    ['', undefined],
    [null, undefined],
  ])('%j is %j seconds', (header, seconds) => {
    expect(retryAfterOf(header, now)).toBe(seconds);
  });
});
