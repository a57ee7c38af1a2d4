import { type Consent } from '../consent/consents.store.js';
import { type Delegation } from '../delegations/delegation.js';
import { type DelegationUse } from '../delegations/delegation-use.js';

/** What an application may do at one service. */
export interface Allowed {
  readonly audience: string;
  readonly scopes: readonly string[];
}

/** An application as shown to the person who allowed it something. */
export interface AllowedApplication {
  readonly clientId: string;
  readonly allowed: readonly Allowed[];
  readonly since: Date;
  /** The last used first; by another client: a service that acted for the application. */
  readonly uses: readonly DelegationUse[];
  readonly lastUsedAt: Date | undefined;
}

function allowedBy(given: readonly Pick<Delegation, 'audience' | 'scopes'>[]): readonly Allowed[] {
  const scopes = new Map<string, Set<string>>();
  for (const { audience, scopes: one } of given)
    scopes.set(audience, new Set([...(scopes.get(audience) ?? []), ...one]));
  return [...scopes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([audience, all]) => ({ audience, scopes: [...all].sort() }));
}

/**
 * A person's consents, delegations and their uses by application, the last used first. A consent without a delegation lets the application come back
 * without asking, so it is listed too.
 */
export function applicationsOf(
  delegations: readonly Delegation[],
  uses: readonly DelegationUse[],
  consents: readonly Consent[],
): readonly AllowedApplication[] {
  const clients = new Set([...delegations, ...consents].map(({ clientId }) => clientId));
  return [...clients]
    .map((clientId) => {
      const own = delegations.filter((delegation) => delegation.clientId === clientId);
      const given = consents.filter((consent) => consent.clientId === clientId);
      const ids = new Set(own.map(({ id }) => id));
      const used = uses
        .filter(({ delegationId }) => ids.has(delegationId))
        .sort((a, b) => b.lastAt.getTime() - a.lastAt.getTime());
      const times = [...own.map(({ createdAt }) => createdAt), ...given.map(({ givenAt }) => givenAt)];
      const since = new Date(Math.min(...times.map((time) => time.getTime())));
      return { clientId, allowed: allowedBy([...own, ...given]), since, uses: used, lastUsedAt: used[0]?.lastAt };
    })
    .sort((a, b) => (b.lastUsedAt ?? b.since).getTime() - (a.lastUsedAt ?? a.since).getTime());
}
