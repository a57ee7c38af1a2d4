import fc from 'fast-check';
import { tableOf } from '../iso-4217/read-lists.mjs';
import { currentCurrencies, historicCurrencies, ISO_4217_PUBLISHED } from './iso-4217.js';
import {
  AMOUNT_LIMIT,
  currencySchema,
  currentCurrencySchema,
  minorUnitDigits,
  moneySchema,
  moneyToJson,
} from './money.js';

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

  it('refuses a number instead of a decimal string, and members it does not know', () => {
    expect(moneySchema.safeParse({ amount: 1, currency: 'EUR' }).success).toBe(false);
    expect(moneySchema.safeParse({ amount: '1', currency: 'EUR', scale: 2 }).success).toBe(false);
  });
});

describe('currencies', () => {
  it('are those of the kept ISO 4217 lists: after a new list run node libs/money/iso-4217/write-table.mjs', () => {
    const table = tableOf();
    expect(ISO_4217_PUBLISHED).toBe(table.published);
    expect(Object.fromEntries(currentCurrencies)).toEqual(table.current);
    expect(Object.fromEntries(historicCurrencies)).toEqual(table.historic);
    expect(currentCurrencies.size).toBe(178);
  });

  it.each(['VED', 'XCG', 'SLE', 'EUR', 'CLF'])('begin in %s, which is current', (code) => {
    expect(currentCurrencySchema.safeParse(code).success).toBe(true);
  });

  it.each(['HRK', 'BGN', 'ANG', 'CUC', 'SLL', 'ZWL', 'DEM'])(
    'are read and moved in %s, but nothing begins in it',
    (code) => {
      expect(currencySchema.safeParse(code).success).toBe(true);
      expect(moneySchema.safeParse({ amount: '1', currency: code }).success).toBe(true);
      expect(currentCurrencySchema.safeParse(code).error?.issues.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^was withdrawn \(.+\); only existing accounts may use it$/),
      ]);
    },
  );

  it.each(['XXX', 'XTS', 'XAU'])('are not %s for what begins, because it has no minor unit', (code) => {
    expect(currencySchema.safeParse(code).success).toBe(true);
    expect(currentCurrencySchema.safeParse(code).success).toBe(false);
  });

  it('have the digits of their minor unit', () => {
    expect(['EUR', 'JPY', 'BHD', 'CLF', 'HRK', 'XAU', 'QQQ'].map(minorUnitDigits)).toEqual([
      2,
      0,
      3,
      4,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('include every code that any earlier version accepted, so that stored ones can be read', () => {
    expect(Intl.supportedValuesOf('currency').filter((code) => !currencySchema.safeParse(code).success)).toEqual([]);
  });
});
