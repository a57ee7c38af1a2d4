import { setTimeout as delay } from 'node:timers/promises';
import { untilStalled } from './until-stalled.js';

describe('a reader that takes nothing', () => {
  let ended = false;
  async function* numbers(): AsyncGenerator<number> {
    ended = false;
    try {
      for (let n = 0; n < 3; n += 1) yield await delay(1, n);
    } finally {
      ended = true;
    }
  }

  it('loses its slot, and finds the end when it comes back', async () => {
    const reading = untilStalled(numbers(), 20);
    expect((await reading.next()).value).toBe(0);
    while (!ended) await delay(5);
    expect(await reading.next()).toEqual({ done: true, value: undefined });
  });

  it('is neither one that reads in time, nor one that disconnects', async () => {
    const all: number[] = [];
    for await (const n of untilStalled(numbers(), 60_000)) all.push(n);
    expect(all).toEqual([0, 1, 2]);
    const leaving = untilStalled(numbers(), 60_000);
    await leaving.next();
    await leaving.return(undefined);
    expect(ended).toBe(true);
  });
});
