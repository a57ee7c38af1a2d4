import fc from 'fast-check';
import { LeasedLimit, type SharedWindow } from './leased-limit.js';

/** A window of one minute as the database keeps it. */
function sharedWindow(limit: number, now: () => number): SharedWindow & { trips: number } {
  const used = new Map<string, { points: number; endsAt: number }>();
  return {
    trips: 0,
    async take(key, points) {
      this.trips += 1;
      await Promise.resolve();
      const known = used.get(key);
      const window = known !== undefined && known.endsAt > now() ? known : { points: 0, endsAt: now() + 60_000 };
      const granted = Math.min(points, Math.max(0, limit - window.points));
      used.set(key, { ...window, points: window.points + points });
      return { granted, endsInMs: window.endsAt - now() };
    },
  };
}

describe('a leased limit', () => {
  it('never lets replicas together spend more than the limit, however many requests are concurrent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 150 }),
        async (limit, leaseSize, asks) => {
          const shared = sharedWindow(limit, () => 0);
          const replicas = [0, 1, 2].map(() => new LeasedLimit(shared, leaseSize, 10, () => 0));
          const answers = await Promise.all(asks.map(async (which) => replicas[which]?.spend('shop')));
          const granted = answers.filter((answer) => answer === undefined).length;
          expect(granted).toBeLessThanOrEqual(limit);
          const [only] = asks;
          if (asks.every((which) => which === only)) expect(granted).toBe(Math.min(limit, asks.length));
        },
      ),
    );
  });

  it('queries the database once per lease, and not at all in a flood beyond the limit', async () => {
    const shared = sharedWindow(100, () => 0);
    const limit = new LeasedLimit(shared, 10, 10, () => 0);
    for (let count = 0; count < 100; count += 1) expect(await limit.spend('shop')).toBeUndefined();
    expect(shared.trips).toBe(10);
    const refused = [];
    for (let count = 0; count < 50; count += 1) refused.push(await limit.spend('shop'));
    expect([shared.trips, refused.filter((answer) => answer?.first).length, refused[0]?.retryAfterSeconds]).toEqual([
      11, 1, 60,
    ]);
  });

  it('starts again with the next window, and keeps keys apart', async () => {
    let time = 0;
    const shared = sharedWindow(1, () => time);
    const limit = new LeasedLimit(shared, 1, 10, () => time);
    expect(await limit.spend('shop')).toBeUndefined();
    expect(await limit.spend('shop')).toBeDefined();
    expect(await limit.spend('other')).toBeUndefined();
    time = 60_001;
    expect(await limit.spend('shop')).toBeUndefined();
  });
});
