import { z } from 'zod';
import { accountStatuses, type Account } from './account.js';

/** What `PUT /accounts/{id}/status` takes. */
export const changeStatusSchema = z.strictObject({ status: z.enum(accountStatuses) });
export type ChangeStatus = z.infer<typeof changeStatusSchema>;

export const statusRefusals = {
  ACCOUNT_CLOSED: 'The account is closed and cannot be reopened.',
  ACCOUNT_NOT_EMPTY: 'Only an account with a zero balance and no open holds can be closed.',
} as const;
export type StatusRefusal = keyof typeof statusRefusals;

/**
 * `open ⇄ frozen`, and from either to `closed`, which is final. A frozen account takes part in no new transfer; holds from before may
 * still be posted or voided, because their money was promised.
 * @param hasHolds whether a hold, from it or to it, has not ended: only a closing depends on it
 * @returns the account as it then stands, or why not
 */
export function changeStatus(account: Account, { status }: ChangeStatus, hasHolds: boolean): Account | StatusRefusal {
  if (account.status === status) return account;
  if (account.status === 'closed') return 'ACCOUNT_CLOSED';
  const empty = account.creditsMinusDebits === 0n && account.held === 0n && !hasHolds;
  return status === 'closed' && !empty ? 'ACCOUNT_NOT_EMPTY' : { ...account, status };
}
