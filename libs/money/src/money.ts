import { z } from 'zod';

/** The largest amount of one transfer, in minor units: far under what a 64-bit balance holds, so that sums cannot overflow soon. */
export const AMOUNT_LIMIT = 999_999_999_999_999n;

const currencies = new Set(Intl.supportedValuesOf('currency'));

/** An ISO 4217 code that the runtime's own currency table knows. */
export const currencySchema = z
  .string()
  .regex(/^[A-Z]{3}$/, 'an ISO 4217 code: three capital letters')
  .refine((code) => currencies.has(code), 'not an ISO 4217 currency')
  .brand('Currency');
export type Currency = z.infer<typeof currencySchema>;

/** A positive sum of money: minor units (cents for EUR) and their currency. */
export interface Money {
  readonly amount: bigint;
  readonly currency: Currency;
}

/** Money as JSON carries it: a decimal string, because a JSON number loses integers over 2^53. */
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
    .regex(/^[1-9][0-9]{0,14}$/, 'minor units as a decimal string, 1 to 999999999999999, without sign or leading zero')
    .transform((digits) => BigInt(digits)),
  currency: currencySchema,
});

/** @returns the JSON form; `amount` may be zero or negative here, as balances are */
export function moneyToJson(amount: bigint, currency: string): MoneyJson {
  return { amount: amount.toString(), currency };
}
