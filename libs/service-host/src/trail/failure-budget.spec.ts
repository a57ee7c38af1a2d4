import { FailureBudget } from './failure-budget.js';

describe('the budget of failures', () => {
  it('of one network says when it begins again, and costs the others nothing', () => {
    const budget = new FailureBudget(3);
    for (const now of [0, 10_000, 20_000]) expect(budget.spend('192.0.2.1', now)).toBeUndefined();
    expect(budget.spend('192.0.2.1', 30_000)).toBe(30);
    expect(budget.spend('192.0.2.2', 30_000)).toBeUndefined();
    expect(budget.spend('192.0.2.1', 60_000)).toBeUndefined();
  });

  it('is kept for a bounded number of networks', () => {
    const budget = new FailureBudget(1);
    expect(budget.spend('first', 0)).toBeUndefined();
    for (let n = 0; n < 20_000; n += 1) budget.spend(`network-${String(n)}`, 1);
    expect(budget.spend('first', 2)).toBeUndefined();
    expect(budget.spend('network-19999', 2)).toBe(60);
  });
});
