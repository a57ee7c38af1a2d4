import fc from 'fast-check';
import { FairTurns } from './fair-turns.js';

const settle = async (): Promise<void> => {
  for (let tick = 0; tick < 10; tick += 1) await Promise.resolve();
};

/** Work that ends on command. */
function bench(turns: FairTurns) {
  const ends: (() => void)[] = [];
  const done: string[] = [];
  const refused: string[] = [];
  let most = 0;
  return {
    done,
    refused,
    most: () => most,
    running: () => ends.length,
    ask(key: string): void {
      const work = (): Promise<true> => {
        const ended = new Promise<true>((resolve) => ends.push(() => resolve(true)));
        most = Math.max(most, ends.length);
        return ended;
      };
      void turns.run(key, work).then((result) => (result === undefined ? refused : done).push(key));
    },
    async endOne(): Promise<void> {
      ends.shift()?.();
      await settle();
    },
  };
}

describe('fair turns', () => {
  it('never exceed their concurrency or queue limit, and every request ends, whatever the timing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.constantFrom('a', 'b', 'c', 'end'), { maxLength: 60 }),
        async (atOnce, waiting, steps) => {
          const work = bench(new FairTurns(atOnce, waiting));
          for (const step of steps) {
            if (step === 'end') await work.endOne();
            else work.ask(step);
            await settle();
          }
          const asked = steps.filter((step) => step !== 'end').length;
          expect(asked - work.done.length - work.refused.length).toBeLessThanOrEqual(atOnce + waiting);
          while (work.running() > 0) await work.endOne();
          expect(work.most()).toBeLessThanOrEqual(atOnce);
          expect(work.done.length + work.refused.length).toBe(asked);
        },
      ),
    );
  });

  it("serve a client's single request next, however many of another client's wait", async () => {
    const work = bench(new FairTurns(1, 4));
    for (let count = 0; count < 10; count += 1) work.ask('flood');
    work.ask('honest');
    await settle();
    expect(work.refused).toEqual(['flood', 'flood', 'flood', 'flood', 'flood', 'flood']);
    for (let count = 0; count < 3; count += 1) await work.endOne();
    expect(work.done).toContain('honest');
    while (work.running() > 0) await work.endOne();
    expect([work.done.length, work.refused.length]).toEqual([5, 6]);
  });

  it('continue after work that failed', async () => {
    const turns = new FairTurns(1, 1);
    await expect(turns.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await turns.run('a', () => Promise.resolve(7))).toBe(7);
  });
});
