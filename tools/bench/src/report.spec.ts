import { meetsGoal } from './benchmark.js';
import { figureOf, jsonReport, readableReport } from './report.js';
import { interleave } from './rounds.js';
import { median, percentile } from './statistics.js';

describe('a benchmark report', () => {
  it('says which goal is met and which falls short, in either direction', () => {
    const met = { metric: 'a', value: 1.1, goal: 1.1, better: 'lower' } as const;
    const short = { metric: 'b', value: 3.9, goal: 4, better: 'higher' } as const;
    expect([meetsGoal(met), meetsGoal(short), meetsGoal({ ...met, value: Number.NaN })]).toEqual([true, false, false]);
    expect(readableReport('x', [met, short], [])).toMatch(
      /^a +1\.100 +≤ 1\.100 +ok\nb +3\.900 +≥ 4\.000 +falls short$/m,
    );
    expect(JSON.parse(jsonReport('x', [short]))).toEqual({
      name: 'x',
      results: [{ metric: 'b', value: 3.9, goal: 4, better: 'higher', ok: false }],
    });
  });

  it('writes four significant digits without exponents', () => {
    expect([figureOf(0.00123456), figureOf(12.3456), figureOf(123_456.7)]).toEqual(['0.001235', '12.35', '123457']);
  });
});

describe('interleaved rounds', () => {
  it('take the median of each candidate and begin each round with another', async () => {
    const order: string[] = [];
    const figures = { one: [100, 1, 3, 2], two: [100, 9, 8, 7] };
    const candidate = (name: 'one' | 'two') => ({
      name,
      round: () => {
        order.push(name);
        return figures[name].shift() ?? Number.NaN;
      },
    });
    expect(await interleave([candidate('one'), candidate('two')], { rounds: 3 })).toEqual({ one: 2, two: 8 });
    expect(order).toEqual(['one', 'two', 'two', 'one', 'one', 'two', 'two', 'one']);
  });

  it('know the percentiles of their figures, and refuse to make one of nothing', () => {
    expect([median([3, 1, 2]), median([1, 2]), percentile([0, 10], 0.99)]).toEqual([2, 1.5, 9.9]);
    expect(() => median([])).toThrow(RangeError);
  });
});
