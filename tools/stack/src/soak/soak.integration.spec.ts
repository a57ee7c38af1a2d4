import { runSoak } from './run-soak.js';

describe('the trail', () => {
  it('takes many times what the stream may hold, each event once, and leaves nothing in the stream', async () => {
    const report = await runSoak({ events: 30_000, streamMib: 1 }, () => undefined);
    expect(report.wrong).toEqual([]);
    expect(report.curves['stream']?.max).toBeLessThanOrEqual(1);
    expect(report.events * 1_024).toBeGreaterThan(25 * 1024 ** 2);
  }, 300_000);
});
