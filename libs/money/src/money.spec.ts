import fc from 'fast-check';
import { AMOUNT_LIMIT, moneySchema, moneyToJson } from './money.js';

describe('money', () => {
  it('goes through JSON and back without losing a minor unit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: AMOUNT_LIMIT }), (amount) => {
        const json: unknown = JSON.parse(JSON.stringify(moneyToJson(amount, 'EUR')));
        expect(moneySchema.parse(json).amount).toBe(amount);
      }),
    );
  });

  it.each(['0', '-1', '01', '1.5', '1e3', ' 1', '1000000000000000', '', 'NaN'])('refuses the amount %j', (amount) => {
    expect(moneySchema.safeParse({ amount, currency: 'EUR' }).success).toBe(false);
  });

  it.each(['eur', 'EURO', 'QQQ', ''])('refuses the currency %j', (currency) => {
    expect(moneySchema.safeParse({ amount: '1', currency }).success).toBe(false);
  });

  it('refuses a number in place of a decimal string, and members it does not know', () => {
    expect(moneySchema.safeParse({ amount: 1, currency: 'EUR' }).success).toBe(false);
    expect(moneySchema.safeParse({ amount: '1', currency: 'EUR', scale: 2 }).success).toBe(false);
  });
});
