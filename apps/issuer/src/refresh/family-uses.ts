import { type DelegationId } from '../delegations/delegation.js';
import { rotate, type Family, type RefreshTimes, type RefreshVerdict } from './rotation.js';

/** A use of a refresh token. */
export interface FamilyUse {
  readonly delegationId: DelegationId;
  /** Of the token that was presented. */
  readonly generation: number;
  /** As it was when it was last read. */
  readonly family: Family;
}

/** What is to become of one family in one statement, in which all uses present the same token. */
export interface FamilyPlan {
  /** The token that is presented. Uses of another of the family wait for the next statement. */
  readonly presented: number;
  /** The newest that anyone knows; the plan holds for as long as it is so. */
  readonly family: Family;
  readonly verdict: RefreshVerdict;
}

/** Plans what uses that came together bring: for each family by the newest that any of them has read, in the order in which they came. */
export function planUses(
  uses: readonly FamilyUse[],
  now: number,
  times: RefreshTimes,
): ReadonlyMap<DelegationId, FamilyPlan> {
  const newest = new Map<DelegationId, Family>();
  for (const { delegationId, family } of uses) {
    const known = newest.get(delegationId);
    if (known === undefined || known.generation < family.generation) newest.set(delegationId, family);
  }
  const plans = new Map<DelegationId, FamilyPlan>();
  for (const { delegationId, generation: presented, family: own } of uses) {
    if (plans.has(delegationId)) continue;
    const family = newest.get(delegationId) ?? own;
    plans.set(delegationId, { presented, family, verdict: rotate(family, presented, now, times) });
  }
  return plans;
}
