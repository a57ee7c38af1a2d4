import { type Account, type AccountId } from '../accounts/account.js';
import { type Decision, type Ledger } from './decision.js';
import { type Transfer, type TransferId } from './transfer.js';

/** The locked part of the ledger while a batch is decided: each decision sees the effects of earlier ones. */
export class LedgerDraft implements Ledger {
  readonly transfers: Map<TransferId, Transfer>;

  constructor(
    readonly accounts: Map<AccountId, Account>,
    transfers: readonly Transfer[],
    readonly correctionAgeDays: number,
  ) {
    this.transfers = new Map(transfers.map((transfer) => [transfer.id, transfer]));
  }

  correctionsOf(id: TransferId): readonly Transfer[] {
    return [...this.transfers.values()].filter(({ corrects }) => corrects === id);
  }

  apply({ transfer, accounts }: Decision): void {
    this.transfers.set(transfer.id, transfer);
    for (const account of accounts.values()) this.accounts.set(account.id, account);
  }
}
