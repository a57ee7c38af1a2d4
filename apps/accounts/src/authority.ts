import { clientWide, reachOf, type Principal, type Reach } from '@countersign/auth-core';
import { type Origin } from './origin.js';

/** The part of the caller that the ledger's rules use. */
export type Party = Pick<Principal, 'subject' | 'clientId' | 'actors' | 'txn' | 'scopes'>;

/** What a caller's scopes let it do beyond what is its own. No scope includes another. */
export interface Authority {
  /** `accounts:admin`: debits any account, sets owners, freezes and closes accounts. */
  readonly administer: boolean;
  /** `accounts:overdraft`: lets an account pay out more than it has. */
  readonly grantOverdraft: boolean;
  /** `transfers:correct`: takes back what a transfer made by this client gave, from the one who got it. */
  readonly correct: boolean;
  /** `transfers:create:client`: ends holds that were made through this client, of whichever subject. */
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
 * Whether the party may end a hold: it is the client that made it, for the same subject, for itself or by a scope that says so. The subject may not
 * by itself, through another client: the hold is promised to somebody.
 */
export function mayEnd(party: Party, maker: Origin): boolean {
  if (maker.clientId !== party.clientId) return false;
  return maker.subject === party.subject || isClientItself(party) || authorityOf(party).endForClient;
}

/** Whose transfers a caller may read: its subject's; the client itself, or with `transfers:read:client`, all that were made through it. */
export function readingReach(caller: Pick<Principal, 'subject' | 'clientId' | 'scopes'>): Reach {
  const { subject, clientId } = caller;
  return isClientItself(caller) ? { subject, clientId } : reachOf(caller, 'transfers:read');
}

/** A client that acts for nobody else: it finishes after a crash what it began for its subjects, and has lost their tokens. */
function isClientItself({ subject, clientId }: Pick<Principal, 'subject' | 'clientId'>): boolean {
  return subject === clientId;
}

/** Whether the party may take from what belongs to this subject. */
export function mayTakeFrom(party: Pick<Principal, 'subject' | 'scopes'>, owner: string): boolean {
  return owner === party.subject || authorityOf(party).administer;
}
