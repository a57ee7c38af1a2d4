import { currencySchema } from '@countersign/money';
import { z } from 'zod';
import { accountIdSchema, accountKinds, accountStatuses, overdraftRules, type Account } from './account.js';

/** A row of `account` as returned by the driver. */
export const accountRowSchema = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(accountKinds),
  currency: z.string(),
  overdraft: z.enum(overdraftRules),
  overdraft_limit: z.string(),
  granted_by: z.string().nullable(),
  status: z.enum(accountStatuses),
  owner: z.string(),
  metadata: z.record(z.string(), z.string()),
  credits_minus_debits: z.string(),
  held: z.string(),
  opened_by: z.string(),
  opened_at: z.date(),
  changed_at: z.date(),
});
export type AccountRow = z.infer<typeof accountRowSchema>;

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
