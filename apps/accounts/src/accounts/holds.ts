import { type Transaction } from '@countersign/service-host';
import { type AccountId } from './account.js';

/** What an account must know of the holds on it. Anyone who keeps them answers. */
export interface HoldsOnAccounts {
  /** Ends the overdue holds on these accounts; afterwards none of them blocks a change, no matter who ended it. */
  releaseOverdue(ids: readonly AccountId[]): Promise<void>;
  /** Whether a hold on either side of the account has not ended. */
  anyOn(transaction: Transaction, id: AccountId): Promise<boolean>;
}

export const HOLDS_ON_ACCOUNTS = Symbol('countersign.accounts.holds-on-accounts');
