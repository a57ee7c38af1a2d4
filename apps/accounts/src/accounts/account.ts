import { currentCurrencySchema, moneySchema, moneyToJson, type Currency, type MoneyJson } from '@countersign/money';
import { idSchema } from '@countersign/service-host';
import { z } from 'zod';
import { NAME_LIMIT, OWNER_LIMIT, PAGE_LIMIT } from '../limits.js';
import { metadataSchema, type Metadata } from '../metadata.js';

/** Account and transfer ids: UUIDs (the ledger creates UUIDv7s; a client may choose a transfer's). */
export const accountIdSchema = idSchema.brand('AccountId');
export type AccountId = z.infer<typeof accountIdSchema>;

export const accountKinds = ['asset', 'liability', 'equity', 'income', 'expense'] as const;
export type AccountKind = (typeof accountKinds)[number];
export const overdraftRules = ['forbidden', 'limited', 'allowed'] as const;
export type OverdraftRule = (typeof overdraftRules)[number];
export const accountStatuses = ['open', 'frozen', 'closed'] as const;
export type AccountStatus = (typeof accountStatuses)[number];

/** The body of `POST /accounts`. `overdraft_limit` belongs to the rule `limited`; only `accounts:admin` may name an `owner`. */
export const openAccountSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(NAME_LIMIT),
    kind: z.enum(accountKinds),
    currency: currentCurrencySchema,
    overdraft: z.enum(overdraftRules).default('forbidden'),
    overdraft_limit: moneySchema.optional(),
    owner: z.string().min(1).max(OWNER_LIMIT).optional(),
    metadata: metadataSchema.default({}),
  })
  .refine(({ overdraft, overdraft_limit }) => (overdraft === 'limited') === (overdraft_limit !== undefined), {
    path: ['overdraft_limit'],
    message: 'is only allowed with the overdraft rule limited',
  })
  .refine(({ currency, overdraft_limit }) => overdraft_limit === undefined || overdraft_limit.currency === currency, {
    path: ['overdraft_limit', 'currency'],
    message: "must be the account's own currency",
  });
export type OpenAccount = z.infer<typeof openAccountSchema>;

/** The balances of an account, and the rule for their limits. */
export interface Account {
  readonly id: AccountId;
  readonly name: string;
  readonly kind: AccountKind;
  readonly currency: Currency;
  readonly overdraft: OverdraftRule;
  /** Minor units by which the balance may be below zero; zero unless the rule is `limited`. */
  readonly overdraftLimit: bigint;
  /** The subject with `accounts:overdraft` that approved paying out more than it has; null if nobody did. */
  readonly grantedBy: string | null;
  readonly status: AccountStatus;
  /** The subject that may take money from it. */
  readonly owner: string;
  readonly metadata: Metadata;
  /** Sum of credits less sum of debits, in minor units. */
  readonly creditsMinusDebits: bigint;
  /** Minor units reserved by holds. */
  readonly held: bigint;
  /** The client that opened it. */
  readonly openedBy: string;
  readonly openedAt: Date;
  /** Nothing may be posted at an earlier time: the time of the last entry, or the time up to which entries were shown as final. */
  readonly changedAt: Date;
}

/** Whether this kind of account grows by debits instead of credits. */
export function growsByDebits(kind: AccountKind): boolean {
  return kind === 'asset' || kind === 'expense';
}

/** The balance as shown to its owner: assets and expenses grow by debits, the others by credits. */
export function normalBalance(kind: AccountKind, creditsMinusDebits: bigint): bigint {
  return growsByDebits(kind) ? -creditsMinusDebits : creditsMinusDebits;
}

/** What may still be taken, not counting overdraft: the balance less the reserved amount. */
export function availableOf(account: Pick<Account, 'kind' | 'creditsMinusDebits' | 'held'>): bigint {
  return normalBalance(account.kind, account.creditsMinusDebits) - account.held;
}

/**
 * Whether the account can pay out more than it ever received. An account pays out when it is debited, because the other side of the leg is credited. A kind
 * that grows by debits is limited only in what it takes back, so it can pay out without limit, whatever its overdraft rule. The other kinds pay out
 * what was credited to them, and more only with an overdraft.
 */
export function givesWithoutHaving({ kind, overdraft }: Pick<Account, 'kind' | 'overdraft'>): boolean {
  return growsByDebits(kind) || overdraft !== 'forbidden';
}

/** Whether the account may be debited at all: one that can pay out more than it has needs the approval of someone with `accounts:overdraft`. */
export function mayGive(account: Pick<Account, 'kind' | 'overdraft' | 'grantedBy'>): boolean {
  return !givesWithoutHaving(account) || account.grantedBy !== null;
}

/** The one rule of every account: available ≥ the overdraft limit. */
export function keepsItsLimit(
  account: Pick<Account, 'kind' | 'overdraft' | 'overdraftLimit' | 'creditsMinusDebits' | 'held'>,
): boolean {
  return account.overdraft === 'allowed' || availableOf(account) >= -account.overdraftLimit;
}

export interface AccountJson {
  readonly id: string;
  readonly name: string;
  readonly kind: AccountKind;
  readonly status: AccountStatus;
  readonly overdraft: OverdraftRule;
  readonly overdraft_limit: MoneyJson | null;
  readonly balance: MoneyJson;
  /** The amount reserved by holds that have not expired. */
  readonly held: MoneyJson;
  readonly available: MoneyJson;
  readonly owner: string;
  readonly metadata: Metadata;
  readonly opened_by: string;
  readonly opened_at: string;
}

export function accountToJson(account: Account): AccountJson {
  const { currency } = account;
  return {
    id: account.id,
    name: account.name,
    kind: account.kind,
    status: account.status,
    overdraft: account.overdraft,
    overdraft_limit: account.overdraft === 'limited' ? moneyToJson(account.overdraftLimit, currency) : null,
    balance: moneyToJson(normalBalance(account.kind, account.creditsMinusDebits), currency),
    held: moneyToJson(account.held, currency),
    available: moneyToJson(availableOf(account), currency),
    owner: account.owner,
    metadata: account.metadata,
    opened_by: account.openedBy,
    opened_at: account.openedAt.toISOString(),
  };
}

/** `GET /accounts`: the caller's own, or of any `owner` for `accounts:admin` and `accounts:audit`; in the order in which they were opened. */
export const listAccountsSchema = z.strictObject({
  owner: z.string().min(1).max(OWNER_LIMIT).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50),
  cursor: accountIdSchema.optional(),
});
export type ListAccounts = z.infer<typeof listAccountsSchema>;

export interface AccountPageJson {
  readonly accounts: readonly AccountJson[];
  readonly next_cursor: string | null;
}
