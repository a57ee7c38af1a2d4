import { interleave, type Candidate } from './rounds.js';

/** Keeps what it is asked, as a server under load does. */
class Counted implements Candidate {
  #rounds = 0;
  constructor(
    readonly name: string,
    private readonly order: string[],
  ) {}
  round(): number {
    this.order.push(this.name);
    this.#rounds += 1;
    return this.#rounds;
  }
}

describe('interleaved rounds', () => {
  it('run each candidate once a round, begin each with another, and count none of the warm-up', async () => {
    const order: string[] = [];
    const figures = await interleave([new Counted('a', order), new Counted('b', order)], { rounds: 3, warmup: 1 });
    expect(order.join('')).toBe('abbaabba');
    expect(figures).toEqual({ a: 3, b: 3 });
  });
});
