import { untilIdle } from './until-idle.js';

/** Processes that use so many seconds in each of the first pauses, on a clock that only pauses move. */
function processes(pauses: number, each: number) {
  let [ms, paused] = [0, 0];
  const used = () => Math.min(paused, pauses) * each;
  const pause = (length: number) => {
    ms += length;
    paused += 1;
    return Promise.resolve();
  };
  return { used, clock: { now: () => ms, pause } };
}
const secondsOf = ({ used, clock }: ReturnType<typeof processes>) => untilIdle(used, clock);

describe('the end of a round', () => {
  it.each([0, 1, 4])(
    'is when the server has done what it put off, not a moment later: after %p looks',
    async (looks) => {
      expect(await secondsOf(processes(looks, 0.02))).toBeCloseTo(looks * 0.02);
    },
  );

  it('is not put off by timers, nor forever', async () => {
    expect(await secondsOf(processes(1_000, 0.002))).toBe(0);
    expect(await secondsOf(processes(1_000, 0.02))).toBeCloseTo(5);
  });

  it('is at once where nobody knows what was used', async () => {
    expect(await secondsOf(processes(1_000, Number.NaN))).toBe(0);
  });
});
