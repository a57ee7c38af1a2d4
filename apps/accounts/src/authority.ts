import { clientWide, reachOf, type Originator, type Principal, type Reach } from '@countersign/auth-core';

/** The part of the caller that the ledger's rules use. */
export type LedgerPrincipal = Pick<Principal, 'subject' | 'clientId' | 'actors' | 'txn' | 'scopes'>;

/** What a caller's scopes allow beyond its own objects. No scope includes another. */
export interface Authority {
  /** `accounts:admin`: debits any account, sets owners, freezes and closes accounts. */
  readonly administer: boolean;
  /** `accounts:overdraft`: lets an account pay out more than it has. */
  readonly grantOverdraft: boolean;
  /** `transfers:correct`: takes money back from the recipient of a transfer made by this client. */
  readonly correct: boolean;
  /** `transfers:create:client`: ends holds that were made through this client, for any subject. */
  readonly endForClient: boolean;
  /** `accounts:audit` or `accounts:admin`: reads every account and transfer. */
  readonly readAll: boolean;
}

export function authorityOf({ scopes }: Pick<Principal, 'scopes'>): Authority {
  const administer = scopes.has('accounts:admin');
  return {
    administer,
    grantOverdraft: scopes.has('accounts:overdraft'),
    correct: scopes.has('transfers:correct'),
    endForClient: scopes.has(clientWide('transfers:create')),
    readAll: administer || scopes.has('accounts:audit'),
  };
}

/**
 * Whether the principal may end a hold: it must be the client that made it, for the same subject, for itself, or with the client-wide scope. The subject may not
 * do so through another client, because the hold is a promise to somebody.
 */
export function mayEnd(principal: LedgerPrincipal, maker: Originator): boolean {
  if (maker.clientId !== principal.clientId) return false;
  return maker.subject === principal.subject || isClientItself(principal) || authorityOf(principal).endForClient;
}

/** Whose transfers a caller may read: its subject's; the client itself, or with `transfers:read:client`, all that were made through it. */
export function readingReach(caller: Pick<Principal, 'subject' | 'clientId' | 'scopes'>): Reach {
  const { subject, clientId } = caller;
  return isClientItself(caller) ? { subject, clientId } : reachOf(caller, 'transfers:read');
}

/** A client that acts for itself: after a crash it finishes what it started for its subjects, whose tokens it has lost. */
function isClientItself({ subject, clientId }: Pick<Principal, 'subject' | 'clientId'>): boolean {
  return subject === clientId;
}

/** Whether the principal may take money from this subject. */
export function mayTakeFrom(principal: Pick<Principal, 'subject' | 'scopes'>, owner: string): boolean {
  return owner === principal.subject || authorityOf(principal).administer;
}
