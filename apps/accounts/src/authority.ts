import { type Principal } from '@countersign/auth-core';

/** May take from any account, name owners, and change what stands in an account's way. */
export function mayAdminister(caller: Principal): boolean {
  return caller.scopes.has('accounts:admin');
}

/** May read every account and transfer. */
export function mayReadAll(caller: Principal): boolean {
  return mayAdminister(caller) || caller.scopes.has('accounts:audit');
}
