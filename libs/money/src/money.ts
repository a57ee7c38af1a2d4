import { z } from 'zod';
import { currentCurrencies, historicCurrencies } from './iso-4217.js';

/** The largest amount of one transfer, in minor units: far below the maximum of a 64-bit balance, so that sums cannot overflow soon. */
export const AMOUNT_LIMIT = 999_999_999_999_999n;

/** An ISO 4217 code, current or historic: money in a withdrawn currency can still be read and moved. */
export const currencySchema = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code of three capital letters')
  .refine((code) => currentCurrencies.has(code) || historicCurrencies.has(code), 'not an ISO 4217 currency')
  .brand('Currency');
/** An ISO 4217 code that {@link currencySchema} has checked. */
export type Currency = z.infer<typeof currencySchema>;

/** A currency for new amounts: current in ISO 4217, with a minor unit to count in. */
export const currentCurrencySchema = currencySchema
  .refine((code) => !historicCurrencies.has(code), {
    error: ({ input }) =>
      `was withdrawn (${historicCurrencies.get(String(input)) ?? ''}); only existing accounts may use it`,
  })
  .refine(
    (code) => historicCurrencies.has(code) || minorUnitDigits(code) !== undefined,
    'must be a currency with a minor unit',
  );

/**
 * How many decimal digits the currency's minor unit has: 2 for EUR, 0 for JPY, 3 for BHD.
 * @returns undefined for a code that is historic, unknown, or has no minor unit
 */
export function minorUnitDigits(currency: string): number | undefined {
  return currentCurrencies.get(currency) ?? undefined;
}

/** A positive sum of money: minor units (cents for EUR) and their currency. */
export interface Money {
  readonly amount: bigint;
  readonly currency: Currency;
}

/** Money in JSON: a decimal string, because a JSON number loses precision above 2^53. */
export interface MoneyJson {
  readonly amount: string;
  readonly currency: string;
}

/**
 * Parses `{"amount":"1999","currency":"EUR"}`: 1 to {@link AMOUNT_LIMIT} minor units, no sign, no leading zero, no fraction.
 * Any other member is refused.
 */
export const moneySchema = z.strictObject({
  amount: z
    .string()
    .regex(
      /^[1-9][0-9]{0,14}$/,
      'must be minor units as a decimal string, 1 to 999999999999999, without sign or leading zero',
    )
    .transform((digits) => BigInt(digits)),
  currency: currencySchema,
});

/** @returns the JSON form; `amount` may be zero or negative here, as balances are */
export function moneyToJson(amount: bigint, currency: string): MoneyJson {
  return { amount: amount.toString(), currency };
}
