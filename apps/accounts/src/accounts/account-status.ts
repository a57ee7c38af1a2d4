import { z } from 'zod';
import { accountStatuses, type Account } from './account.js';

/** The body of `PUT /accounts/{id}/status`. */
export const changeStatusSchema = z.strictObject({ status: z.enum(accountStatuses) });
export type ChangeStatus = z.infer<typeof changeStatusSchema>;

export const statusRefusals = {
  ACCOUNT_CLOSED: 'The account is closed and cannot be reopened.',
  ACCOUNT_NOT_EMPTY: 'Only an account with a zero balance and no open holds can be closed.',
} as const;
export type StatusRefusal = keyof typeof statusRefusals;

/**
 * `open ⇄ frozen`, and from either to `closed`, which is final. A frozen account cannot take part in new transfers; earlier holds may
 * still be posted or voided, because their money was promised.
 * @param hasHolds whether a hold from or to the account is open, which only matters for closing
 * @returns the changed account, or the refusal
 */
export function changeStatus(account: Account, { status }: ChangeStatus, hasHolds: boolean): Account | StatusRefusal {
  if (account.status === status) return account;
  if (account.status === 'closed') return 'ACCOUNT_CLOSED';
  const empty = account.creditsMinusDebits === 0n && account.held === 0n && !hasHolds;
  return status === 'closed' && !empty ? 'ACCOUNT_NOT_EMPTY' : { ...account, status };
}
