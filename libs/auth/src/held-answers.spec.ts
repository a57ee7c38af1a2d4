import fc from 'fast-check';
import { HELD_LIMIT, HELD_MS, HELD_OF_A_KEY, HeldAnswers, PACE_MS } from './held-answers.js';

/** A clock that is moved, and calls back as a timer does: once, and not before its time. */
function movedClock() {
  let now = 0;
  let waiting: { readonly at: number; readonly run: () => void } | undefined;
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      waiting = { at: now + ms, run };
    },
    /** @param lateMs how late each timer is */
    pass(ms: number, lateMs = 0) {
      const end = now + ms;
      while (waiting !== undefined && waiting.at + lateMs <= end) {
        const { at, run } = waiting;
        waiting = undefined;
        now = Math.max(now, at + lateMs);
        run();
      }
      now = end;
    },
  };
}

describe('held answers', () => {
  const begin = () => {
    const clock = movedClock();
    return { clock, held: new HeldAnswers(clock), answered: [] as number[] };
  };

  it('are sent one by one, even if they were held at the same moment', () => {
    const { clock, held, answered } = begin();
    for (let n = 0; n < 50; n += 1) held.hold('flood', () => answered.push(clock.now()));
    clock.pass(HELD_MS - 1);
    expect(answered).toEqual([]);
    clock.pass(HELD_MS);
    expect(answered).toEqual(Array.from({ length: 50 }, (_one, n) => HELD_MS + n * PACE_MS));
  });

  it('are never more than the pace allows, whatever the keys, the times and the delays of timers', () => {
    const burst = fc.record({
      key: fc.integer({ min: 0, max: 20 }),
      count: fc.integer({ min: 1, max: 200 }),
      passMs: fc.integer({ min: 0, max: 300 }),
      lateMs: fc.integer({ min: 0, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 20 }), (bursts) => {
        const { clock, held, answered } = begin();
        let accepted = 0;
        for (const { key, count, passMs, lateMs } of bursts) {
          for (let n = 0; n < count; n += 1)
            if (held.hold(String(key), () => answered.push(clock.now())) !== undefined) accepted += 1;
          clock.pass(passMs, lateMs);
        }
        const most = clock.now() === 0 ? 0 : Math.max(0, (clock.now() - HELD_MS) / PACE_MS + 1);
        expect(answered.length).toBeLessThanOrEqual(most);
        const atOnce = new Map<number, number>();
        for (const at of answered) atOnce.set(at, (atOnce.get(at) ?? 0) + 1);
        expect(Math.max(0, ...atOnce.values())).toBeLessThanOrEqual(2);
        clock.pass(HELD_MS + HELD_LIMIT * PACE_MS + 1);
        expect([answered.length, held.size]).toEqual([accepted, 0]);
      }),
    );
  });

  it('are limited per key and in total, and a caller who has gone frees a place', () => {
    const { held } = begin();
    const answers = Array.from({ length: HELD_OF_A_KEY + 9 }, () => held.hold('one', () => undefined)).filter(
      (one) => one !== undefined,
    );
    expect(answers).toHaveLength(HELD_OF_A_KEY);
    for (let n = 0; n < HELD_LIMIT; n += 1) held.hold(`key ${String(n)}`, () => undefined);
    expect(held.size).toBe(HELD_LIMIT);
    expect(held.hold('another', () => undefined)).toBeUndefined();
    answers[7]?.();
    answers[7]?.();
    expect(held.size).toBe(HELD_LIMIT - 1);
    expect(held.hold('one', () => undefined)).toBeDefined();
  });

  it('are sent when the application stops, and none is held afterwards', () => {
    const { clock, held, answered } = begin();
    for (let n = 0; n < 9; n += 1) held.hold('flood', () => answered.push(clock.now()));
    held.close();
    expect([answered.length, held.size]).toEqual([9, 0]);
    expect(held.hold('flood', () => undefined)).toBeUndefined();
    clock.pass(10 * HELD_MS);
    expect(answered).toHaveLength(9);
  });
});
