import { type Principal } from '@countersign/auth-core';

/** May take from any account, name owners, and change what stands in an account's way. */
export function mayAdminister(caller: Principal): boolean {
  return caller.scopes.has('accounts:admin');
}

/** May choose an overdraft rule beyond `forbidden`: more than is there can then be taken. No other scope includes it. */
export function mayGrantOverdraft(caller: Principal): boolean {
  return caller.scopes.has('accounts:overdraft');
}

/** May read every account and transfer. */
export function mayReadAll(caller: Principal): boolean {
  return mayAdminister(caller) || caller.scopes.has('accounts:audit');
}
