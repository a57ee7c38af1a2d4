import { type DelegationId } from '../delegations/delegation.js';
import { rotate, type Family, type RefreshTimes, type RefreshVerdict } from './rotation.js';

/** A use of a refresh token. */
export interface FamilyUse {
  readonly delegationId: DelegationId;
  /** Of the presented token. */
  readonly generation: number;
  /** As it was when it was last read. */
  readonly family: Family;
}

/** The plan for one family in one statement, in which all uses present the same token. */
export interface FamilyPlan {
  /** The presented token. Uses of the family's other tokens wait for the next statement. */
  readonly presented: number;
  /** The newest known state; the plan is valid only while it is current. */
  readonly family: Family;
  readonly verdict: RefreshVerdict;
}

/** Plans the outcome of uses that arrived together: for each family from the newest state that any of them has read, in order of arrival. */
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
