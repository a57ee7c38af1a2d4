import { jest } from '@jest/globals';
import { turnClock } from './turn-clock.js';

const settle = () => new Promise((resume) => setImmediate(resume));

describe('the clock of one turn', () => {
  it('is read once per turn, however often either clock is asked, and again for the next', async () => {
    await settle();
    const reads = jest.spyOn(performance, 'now');
    for (let n = 0; n < 100; n += 1) turnClock.now();
    for (let n = 0; n < 100; n += 1) turnClock.monotonic();
    expect(reads).toHaveBeenCalledTimes(1);
    await settle();
    const [wall, monotonic] = [turnClock.now(), turnClock.monotonic()];
    expect(reads).toHaveBeenCalledTimes(2);
    reads.mockRestore();
    expect(Math.abs(Date.now() - wall)).toBeLessThan(60_000);
    expect(Math.abs(performance.now() - monotonic)).toBeLessThan(60_000);
  });

  it('advances within a long computation', () => {
    const reads = jest.spyOn(performance, 'now');
    for (let n = 0; n < 5_000; n += 1) turnClock.monotonic();
    expect(reads.mock.calls.length).toBeGreaterThan(5);
    reads.mockRestore();
  });

  it('follows a test that replaces the time, and the restoring of it, immediately', () => {
    const now = turnClock.now();
    for (const moved of [now + 3_600_000, now - 3_600_000]) {
      const replaced = jest.spyOn(Date, 'now').mockReturnValue(moved);
      expect(turnClock.now()).toBe(moved);
      replaced.mockRestore();
      expect(Math.abs(turnClock.now() - now)).toBeLessThan(60_000);
    }
  });
});
