import { type Transaction } from '@countersign/service-host';
import { type AccountId } from './account.js';

/** What an account must know about its holds; the module that stores holds implements it. */
export interface HoldsOnAccounts {
  /** Ends the overdue holds on these accounts; afterwards none of them blocks a change, no matter who ended it. */
  releaseOverdue(ids: readonly AccountId[]): Promise<void>;
  /** Whether the account, on either side, has an open hold. */
  anyOn(transaction: Transaction, id: AccountId): Promise<boolean>;
}

export const HOLDS_ON_ACCOUNTS = Symbol('countersign.accounts.holds-on-accounts');
