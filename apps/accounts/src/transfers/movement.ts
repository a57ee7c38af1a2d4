import { availableOf, growsByDebits, keepsItsLimit, type Account, type AccountId } from '../accounts/account.js';
import { BALANCE_LIMIT } from '../limits.js';
import { refuse, type Refusal } from './refusal.js';
import { type Leg } from './transfer.js';

export type Side = 'debit' | 'credit';

export interface NewEntry {
  readonly leg: number;
  readonly accountId: AccountId;
  readonly side: Side;
  readonly amount: bigint;
  /** The account's credits less debits after this entry. */
  readonly balanceAfter: bigint;
}

/** Accounts in their current or resulting state. */
export type Accounts = ReadonlyMap<AccountId, Account>;

export interface Movement {
  readonly ok: true;
  readonly entries: readonly NewEntry[];
  /** The changed accounts, in their new state. */
  readonly accounts: Accounts;
}

/** Whether an entry on this side reduces the account: a debit of a liability, a credit of an asset. */
export function takesFrom(account: Pick<Account, 'kind'>, side: Side): boolean {
  return growsByDebits(account.kind) === (side === 'credit');
}

/** Both ends of each leg, in the order in which entries are written. */
export function endsOf(legs: readonly Leg[]): readonly { leg: number; id: AccountId; side: Side; amount: bigint }[] {
  return legs.flatMap(({ debitAccount, creditAccount, amount }, leg) => [
    { leg, id: debitAccount, side: 'debit' as const, amount },
    { leg, id: creditAccount, side: 'credit' as const, amount },
  ]);
}

/** Whether every changed account keeps its rule; one that only gained always does. */
function checked(before: Accounts, accounts: Accounts, entries: readonly NewEntry[]): Movement | Refusal {
  for (const account of accounts.values()) {
    const { creditsMinusDebits: sum } = account;
    if (sum > BALANCE_LIMIT || sum < -BALANCE_LIMIT || account.held > BALANCE_LIMIT) return refuse('BALANCE_LIMIT');
    const earlier = before.get(account.id);
    const less = earlier === undefined || availableOf(account) < availableOf(earlier);
    if (less && !keepsItsLimit(account)) return refuse('INSUFFICIENT_FUNDS');
  }
  return { ok: true, entries, accounts };
}

function reserveBy(sign: 1n | -1n, legs: readonly Leg[], before: Accounts): Movement | Refusal {
  const after = new Map<AccountId, Account>();
  for (const { id, side, amount } of endsOf(legs)) {
    const account = after.get(id) ?? before.get(id);
    if (account === undefined) return refuse('ACCOUNT_UNKNOWN');
    if (takesFrom(account, side)) after.set(id, { ...account, held: account.held + sign * amount });
  }
  return checked(before, after, []);
}

/** Reserves what the legs would take, without moving it. An incoming leg of the same transfer does not count as cover yet. */
export function reserve(legs: readonly Leg[], accounts: Accounts): Movement | Refusal {
  return reserveBy(1n, legs, accounts);
}

/** Releases what {@link reserve} reserved for these legs. */
export function release(legs: readonly Leg[], accounts: Accounts): Movement | Refusal {
  return reserveBy(-1n, legs, accounts);
}

/**
 * Two entries per leg, whatever is reserved; the rule is checked against the final balances.
 * @param at the time of posting, not before any entry of these accounts
 */
export function move(legs: readonly Leg[], accounts: Accounts, at: Date): Movement | Refusal {
  const after = new Map<AccountId, Account>();
  const entries: NewEntry[] = [];
  for (const { leg, id, side, amount } of endsOf(legs)) {
    const account = after.get(id) ?? accounts.get(id);
    if (account === undefined) return refuse('ACCOUNT_UNKNOWN');
    const creditsMinusDebits = account.creditsMinusDebits + (side === 'credit' ? amount : -amount);
    after.set(id, { ...account, creditsMinusDebits, changedAt: at });
    entries.push({ leg, accountId: id, side, amount, balanceAfter: creditsMinusDebits });
  }
  return checked(accounts, after, entries);
}
