import fc from 'fast-check';
import { OTHER_NETWORKS, RefusalTally, type CountedRefusals } from './refusal-tally.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 26, 12, 0, second));
const kind = (network: string, code = 'TOKEN_MISSING') => ({ code, method: 'GET', route: '/orders', network });

describe('counting refusals', () => {
  it('reports the first of a kind immediately, then how many there were, from when to when', () => {
    const tally = new RefusalTally();
    expect(tally.add(kind('192.0.2.1'), at(1))).toEqual({ ...kind('192.0.2.1'), count: 1, first: at(1), last: at(1) });
    for (const second of [2, 3, 9]) expect(tally.add(kind('192.0.2.1'), at(second))).toBeUndefined();
    expect(tally.add(kind('192.0.2.1', 'TOKEN_MALFORMED'), at(4))).toMatchObject({ count: 1 });
    expect(tally.take()).toEqual([{ ...kind('192.0.2.1'), count: 3, first: at(2), last: at(9) }]);
  });

  it('reports a flood that continues only with its count, and one that ended as a first one when it begins again', () => {
    const tally = new RefusalTally();
    expect(tally.add(kind('a'), at(1))).toBeDefined();
    expect(tally.add(kind('a'), at(2))).toBeUndefined();
    expect(tally.take()).toHaveLength(1);
    expect(tally.add(kind('a'), at(3))).toBeUndefined();
    expect(tally.take()).toMatchObject([{ count: 1, first: at(3) }]);
    expect(tally.take()).toEqual([]);
    expect(tally.add(kind('a'), at(4))).toBeDefined();
  });

  it('loses no refusal and keeps a bounded number of kinds, whatever comes', () => {
    const steps = fc.array(fc.oneof(fc.nat(40), fc.constant('take' as const), fc.constant('fail' as const)), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const tally = new RefusalTally(5);
        let reported = 0;
        let added = 0;
        const tell = (counted: readonly CountedRefusals[]): void => {
          expect(counted.length).toBeLessThanOrEqual(6);
          for (const { count } of counted) reported += count;
        };
        for (const step of all) {
          if (step === 'take') tell(tally.take());
          else if (step === 'fail') for (const counted of tally.take()) tally.giveBack(counted);
          else {
            added += 1;
            const first = tally.add(kind(`network-${String(step)}`), at(step));
            if (first !== undefined) tell([first]);
          }
        }
        tell(tally.take());
        expect(reported).toBe(added);
      }),
    );
  });

  it('puts networks together once there are too many', () => {
    const tally = new RefusalTally(2);
    for (const network of ['a', 'b']) expect(tally.add(kind(network), at(1))?.network).toBe(network);
    expect(tally.add(kind('c'), at(1))).toMatchObject({ network: OTHER_NETWORKS, count: 1 });
    expect(tally.add(kind('d'), at(2))).toBeUndefined();
    expect(tally.add(kind('a'), at(2))).toBeUndefined();
    expect(tally.take()).toMatchObject([
      { network: 'a', count: 1 },
      { network: OTHER_NETWORKS, count: 1 },
    ]);
  });
});
