import { currencySchema } from '@countersign/money';
import { type Metadata } from '../metadata.js';
import { accountIdSchema, type Account } from './account.js';

/** A row of `account` as the driver gives it. */
export interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly kind: Account['kind'];
  readonly currency: string;
  readonly overdraft: Account['overdraft'];
  readonly overdraft_limit: string;
  readonly granted_by: string | null;
  readonly status: Account['status'];
  readonly owner: string;
  readonly metadata: Metadata;
  readonly credits_minus_debits: string;
  readonly held: string;
  readonly opened_by: string;
  readonly opened_at: Date;
  readonly changed_at: Date;
}

export function accountOf(row: AccountRow): Account {
  return {
    id: accountIdSchema.parse(row.id),
    name: row.name,
    kind: row.kind,
    currency: currencySchema.parse(row.currency),
    overdraft: row.overdraft,
    overdraftLimit: BigInt(row.overdraft_limit),
    grantedBy: row.granted_by,
    status: row.status,
    owner: row.owner,
    metadata: row.metadata,
    creditsMinusDebits: BigInt(row.credits_minus_debits),
    held: BigInt(row.held),
    openedBy: row.opened_by,
    openedAt: row.opened_at,
    changedAt: row.changed_at,
  };
}
