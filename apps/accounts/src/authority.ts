import { type Principal } from '@countersign/auth-core';
import { originOf, type Origin } from './origin.js';

/** What a caller's scopes let it do beyond what is its own. No scope includes another. */
export interface Authority {
  /** `accounts:admin`: takes from any account, names owners, changes what stands in an account's way. */
  readonly administer: boolean;
  /** `accounts:overdraft`: lets an account give what it does not have. */
  readonly grantOverdraft: boolean;
  /** `transfers:correct`: takes back what a transfer made by this client gave, from whoever got it. */
  readonly correct: boolean;
  /** `accounts:audit` or `accounts:admin`: reads every account and transfer. */
  readonly readAll: boolean;
}

/** Who commands, and what they may do beyond what is theirs. */
export interface Commander {
  readonly origin: Origin;
  readonly authority: Authority;
}

export function authorityOf({ scopes }: Pick<Principal, 'scopes'>): Authority {
  const administer = scopes.has('accounts:admin');
  return {
    administer,
    grantOverdraft: scopes.has('accounts:overdraft'),
    correct: scopes.has('transfers:correct'),
    readAll: administer || scopes.has('accounts:audit'),
  };
}

export function commanderOf(caller: Principal): Commander {
  return { origin: originOf(caller), authority: authorityOf(caller) };
}

/** Whether the commander may take from what belongs to this subject. */
export function mayTakeFrom({ origin, authority }: Commander, owner: string): boolean {
  return authority.administer || owner === origin.subject;
}
