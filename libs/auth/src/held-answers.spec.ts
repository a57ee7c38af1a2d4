import { HELD_LIMIT, HELD_OF_A_KEY, HeldAnswers, PROMPT_REFUSALS } from './held-answers.js';

describe('delayed answers', () => {
  const clock = { now: 0 };
  const heldOf = (held: HeldAnswers, id: string, times: number) =>
    Array.from({ length: times }, () => held.holds(id)).filter(Boolean).length;

  it('are only for a key that keeps sending after many refusals within a second', () => {
    const held = new HeldAnswers(() => clock.now);
    expect(heldOf(held, 'polite', PROMPT_REFUSALS)).toBe(0);
    expect(heldOf(held, 'flood', PROMPT_REFUSALS + 3)).toBe(3);
    expect(held.holds('other')).toBe(false);
    clock.now += 1_000;
    expect(heldOf(held, 'polite', PROMPT_REFUSALS)).toBe(0);
    expect(heldOf(held, 'flood', PROMPT_REFUSALS + 1)).toBe(1);
  });

  it('are limited per key and in total', () => {
    const held = new HeldAnswers(() => clock.now);
    expect(heldOf(held, 'one', 10_000)).toBe(HELD_OF_A_KEY);
    for (let n = 0; n < 20; n += 1) heldOf(held, `key ${String(n)}`, 1_000);
    expect(held.size).toBe(HELD_LIMIT);
    for (let n = 0; n < HELD_OF_A_KEY; n += 1) held.release('one');
    expect(held.size).toBe(HELD_LIMIT - HELD_OF_A_KEY);
    expect(heldOf(held, 'one', 10_000)).toBe(HELD_OF_A_KEY);
  });

  it('are released correctly, however many keys are refused at once', () => {
    const held = new HeldAnswers(() => clock.now);
    heldOf(held, 'one', 10_000);
    for (let n = 0; n < 10_000; n += 1) held.holds(`key ${String(n)}`);
    for (let n = 0; n < HELD_OF_A_KEY; n += 1) held.release('one');
    expect(held.size).toBe(0);
    expect(heldOf(held, 'one', 10_000)).toBe(HELD_OF_A_KEY);
  });
});
