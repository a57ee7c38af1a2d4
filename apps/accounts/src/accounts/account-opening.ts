import { authorityOf, mayTakeFrom, type LedgerPrincipal } from '../authority.js';
import { givesWithoutHaving, type Account, type AccountId, type OpenAccount } from './account.js';

/** Why an account was not opened: the detail for the caller; all are 403. */
export const openingRefusals = {
  OWNER_NOT_YOURS: 'Naming another owner needs the scope accounts:admin.',
  OVERDRAFT_NOT_YOURS:
    'An account that can pay out more than it has (an overdraft rule beyond forbidden, or the kind asset or expense) needs the scope accounts:overdraft.',
} as const;
export type OpeningRefusal = keyof typeof openingRefusals;

/** @returns the empty account, or the refusal */
export function openAccount(
  command: OpenAccount,
  by: LedgerPrincipal,
  id: AccountId,
  now: Date,
): Account | OpeningRefusal {
  const { owner = by.subject, overdraft_limit, ...rest } = command;
  if (!mayTakeFrom(by, owner)) return 'OWNER_NOT_YOURS';
  const gives = givesWithoutHaving(rest);
  if (gives && !authorityOf(by).grantOverdraft) return 'OVERDRAFT_NOT_YOURS';
  return {
    ...rest,
    id,
    owner,
    overdraftLimit: overdraft_limit?.amount ?? 0n,
    grantedBy: gives ? by.subject : null,
    status: 'open',
    creditsMinusDebits: 0n,
    held: 0n,
    openedBy: by.clientId,
    openedAt: now,
    changedAt: now,
  };
}
