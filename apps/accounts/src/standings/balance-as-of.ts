import { moneyToJson, type MoneyJson } from '@countersign/money';
import { timeThroughSchema } from '@countersign/service-host';
import { z } from 'zod';
import { normalBalance, type Account } from '../accounts/account.js';

/** `GET /accounts/{id}/balance`: `as_of` is a past RFC 3339 time; entries posted exactly then count. */
export const asOfQuerySchema = z.strictObject({
  as_of: timeThroughSchema,
});
export type AsOfQuery = z.infer<typeof asOfQuerySchema>;

export interface BalanceJson {
  readonly account_id: string;
  readonly as_of: string;
  readonly balance: MoneyJson;
}

/** @param creditsMinusDebits after the last entry at that time */
export function balanceToJson(account: Account, asOf: Date, creditsMinusDebits: bigint): BalanceJson {
  return {
    account_id: account.id,
    as_of: asOf.toISOString(),
    balance: moneyToJson(normalBalance(account.kind, creditsMinusDebits), account.currency),
  };
}
