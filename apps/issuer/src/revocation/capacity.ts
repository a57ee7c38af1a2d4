import { type Revoked } from '@countersign/auth-core';

/** Bytes of the bucket counted for one entry: its statement, its subject, the server's overhead. */
export const ENTRY_BYTES = 1_024;
/** The part of the bucket that tokens and transactions may fill; the rest is for clients, subjects and keys, which an emergency needs. */
const TOKEN_SHARE = 0.7;

/** The list's entries of the kinds that share space. */
export interface Filling {
  /** Entries of tokens and transactions. */
  readonly ofTokens: number;
}

/** Kinds that share space. The others have reserved space, which only administrators can fill. */
export const sharedCapacityKinds = ['token', 'transaction'] as const satisfies readonly Revoked['kind'][];

/** Maximum entries of tokens and transactions in a bucket. */
export function tokenCapacity(maxBytes: number): number {
  return Math.floor((maxBytes * TOKEN_SHARE) / ENTRY_BYTES);
}

/** Whether revocations of a kind share space with those of tokens. */
export function sharesCapacity(kind: Revoked['kind']): boolean {
  return sharedCapacityKinds.some((shared) => shared === kind);
}

/** Whether there is space for one more revocation of a kind. */
export function hasCapacity(kind: Revoked['kind'], { ofTokens }: Filling, maxBytes: number): boolean {
  return !sharesCapacity(kind) || ofTokens < tokenCapacity(maxBytes);
}
