import { currencySchema, moneyToJson, type Currency, type MoneyJson } from '@countersign/money';
import { z } from 'zod';

/** Account and transfer ids: UUIDs (the ledger makes UUIDv7; a client may choose a transfer's). */
export const accountIdSchema = z.uuid().brand('AccountId');
export type AccountId = z.infer<typeof accountIdSchema>;

export const accountKinds = ['asset', 'liability', 'equity', 'income', 'expense'] as const;
export type AccountKind = (typeof accountKinds)[number];
export type OverdraftRule = 'forbidden' | 'allowed';

/** What `POST /accounts` takes. */
export const openAccountSchema = z.strictObject({
  name: z.string().trim().min(1).max(100),
  kind: z.enum(accountKinds),
  currency: currencySchema,
  overdraft: z.enum(['forbidden', 'allowed']).default('forbidden'),
});
export type OpenAccount = z.infer<typeof openAccountSchema>;

export interface Account {
  readonly id: AccountId;
  readonly name: string;
  readonly kind: AccountKind;
  readonly currency: Currency;
  readonly overdraft: OverdraftRule;
  /** Sum of credits less sum of debits, in minor units. */
  readonly creditsMinusDebits: bigint;
  readonly openedBy: string;
  readonly openedAt: Date;
}

/** The balance as its owner reads it: assets and expenses grow by debits, the others by credits. */
export function normalBalance(kind: AccountKind, creditsMinusDebits: bigint): bigint {
  return kind === 'asset' || kind === 'expense' ? -creditsMinusDebits : creditsMinusDebits;
}

/** Whether the account's rule allows it to stand at this sum of credits less debits. */
export function mayStandAt(account: Pick<Account, 'kind' | 'overdraft'>, creditsMinusDebits: bigint): boolean {
  return account.overdraft === 'allowed' || normalBalance(account.kind, creditsMinusDebits) >= 0n;
}

export interface AccountJson {
  readonly id: string;
  readonly name: string;
  readonly kind: AccountKind;
  readonly overdraft: OverdraftRule;
  readonly balance: MoneyJson;
  readonly opened_by: string;
  readonly opened_at: string;
}

export function accountToJson(account: Account): AccountJson {
  return {
    id: account.id,
    name: account.name,
    kind: account.kind,
    overdraft: account.overdraft,
    balance: moneyToJson(normalBalance(account.kind, account.creditsMinusDebits), account.currency),
    opened_by: account.openedBy,
    opened_at: account.openedAt.toISOString(),
  };
}
