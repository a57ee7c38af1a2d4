import { moneyToJson, type MoneyJson } from '@countersign/money';
import { timeThroughSchema } from '@countersign/service-host';
import { z } from 'zod';
import { normalBalance, type Account } from '../accounts/account.js';

/** `GET /accounts/{id}/balance`: `as_of` is an RFC 3339 time that has passed; entries posted at that very time count. */
export const asOfQuerySchema = z.strictObject({
  as_of: timeThroughSchema,
});
export type AsOfQuery = z.infer<typeof asOfQuerySchema>;

export interface BalanceJson {
  readonly account_id: string;
  readonly as_of: string;
  readonly balance: MoneyJson;
}

/** @param creditsMinusDebits as the last entry at that time left it */
export function balanceToJson(account: Account, asOf: Date, creditsMinusDebits: bigint): BalanceJson {
  return {
    account_id: account.id,
    as_of: asOf.toISOString(),
    balance: moneyToJson(normalBalance(account.kind, creditsMinusDebits), account.currency),
  };
}
