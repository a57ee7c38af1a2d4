import { moneySchema } from '@countersign/money';
import { needsRecentLogin, recentLoginAboveSchema } from './recent-login.service.js';

describe('the amount above which a person must have signed in recently', () => {
  const above = recentLoginAboveSchema.parse('EUR:50000, *:100000');
  const money = (amount: string, currency: string) => moneySchema.parse({ amount, currency });

  it.each([
    ['50000', 'EUR', false],
    ['50001', 'EUR', true],
    ['100000', 'USD', false],
    ['100001', 'USD', true],
  ])('for %s %s: %s', (amount, currency, expected) => {
    expect(needsRecentLogin(money(amount, currency), { above })).toBe(expected);
  });

  it('does not exist for a currency that is not listed, and not at all by default', () => {
    expect(needsRecentLogin(money('999999', 'USD'), { above: recentLoginAboveSchema.parse('EUR:1') })).toBe(false);
    expect(needsRecentLogin(money('999999', 'USD'), { above: new Map() })).toBe(false);
  });

  it.each(['', 'EUR', 'EUR:', 'EUR:0', 'EUR:-1', 'EUR:1.5', 'eur:1', 'QQQ:1', 'EUR:1,EUR:2', 'EUR:1;USD:2', 'EUR:1,'])(
    'is not %j',
    (text) => {
      expect(recentLoginAboveSchema.safeParse(text).success).toBe(false);
    },
  );
});
