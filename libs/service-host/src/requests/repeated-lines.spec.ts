import fc from 'fast-check';
import { RepeatedLines } from './repeated-lines.js';

describe('lines that a flood repeats', () => {
  it('are at most one a second for each name, and all are accounted for by the next', () => {
    const steps = fc.array(fc.record({ name: fc.constantFrom('a', 'b'), after: fc.integer({ min: 0, max: 700 }) }));
    fc.assert(
      fc.property(steps, (asked) => {
        let now = 0;
        const lines = new RepeatedLines(() => now);
        const seen = { a: { asked: 0, counted: 0, at: -Infinity }, b: { asked: 0, counted: 0, at: -Infinity } };
        for (const { name, after } of asked) {
          now += after;
          const of = name === 'a' ? seen.a : seen.b;
          of.asked += 1;
          const unwritten = lines.next(name);
          expect(unwritten === undefined).toBe(now < of.at + 1_000);
          if (unwritten === undefined) continue;
          of.at = now;
          of.counted += unwritten + 1;
          expect(of.counted).toBe(of.asked);
        }
      }),
    );
  });

  it('are remembered for a bounded number of names', () => {
    const lines = new RepeatedLines(() => 0);
    for (let n = 0; n <= 1_000; n += 1) expect(lines.next(String(n))).toBe(0);
    expect(lines.next('1000')).toBeUndefined();
    expect(lines.next('0')).toBe(0);
  });
});
