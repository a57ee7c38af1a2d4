import { LogReach } from '../log/log-reach.js';
import { LogComparison } from './log-comparison.js';

/** A database that answers when the test says so. */
function database() {
  const asked: ((next: bigint) => void)[] = [];
  const nextIndex = () => new Promise<bigint>((answer) => asked.push(answer));
  const answer = async (next: bigint): Promise<void> => {
    while (asked.length === 0) await Promise.resolve();
    asked.shift()?.(next);
  };
  return { asked, nextIndex, answer };
}

describe('the comparison of the log with what is known outside', () => {
  it('does not mistake a log that grew while the database responded for a restored one', async () => {
    const { nextIndex, answer } = database();
    const reach = new LogReach();
    const comparison = new LogComparison(reach, nextIndex);
    const compared = comparison.with(4n);
    await Promise.resolve();
    // An append of this process commits after the database read its answer.
    reach.saw(9n);
    await answer(4n);
    expect([await compared, comparison.restored, comparison.end]).toEqual([undefined, false, 4n]);
  });

  it('queries the database for one comparison after another, so that an early result is not taken for a late one', async () => {
    const { asked, nextIndex, answer } = database();
    const comparison = new LogComparison(new LogReach(), nextIndex);
    const [first, second] = [comparison.with(4n), comparison.with(9n)];
    await Promise.resolve();
    await Promise.resolve();
    expect(asked).toHaveLength(1);
    await answer(4n);
    expect([await first, comparison.restored]).toEqual([undefined, false]);
    await answer(9n);
    expect([await second, comparison.restored]).toEqual([undefined, false]);
  });

  it('says once that a log is restored, and is asked again until it has everything', async () => {
    let next = 3n;
    const comparison = new LogComparison(new LogReach(), () => Promise.resolve(next));
    expect(await comparison.with(5n)).toBe(3n);
    expect([await comparison.with(4n), comparison.restored]).toEqual([undefined, true]);
    next = 5n;
    expect([await comparison.with(comparison.end), comparison.restored]).toEqual([undefined, false]);
  });

  it('continues after a query that the database did not answer', async () => {
    let isAway = true;
    const comparison = new LogComparison(new LogReach(), () =>
      isAway ? Promise.reject(new Error('away')) : Promise.resolve(5n),
    );
    await expect(comparison.with(5n)).rejects.toThrow('away');
    isAway = false;
    expect([await comparison.with(5n), comparison.restored]).toEqual([undefined, false]);
  });
});
