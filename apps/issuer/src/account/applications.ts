import { type Delegation } from '../delegations/delegation.js';
import { type DelegationUse } from '../delegations/delegation-uses.service.js';

/** What an application may do at one service. */
export interface Allowed {
  readonly audience: string;
  readonly scopes: readonly string[];
}

/** An application as the person who allowed it something sees it. */
export interface AllowedApplication {
  readonly clientId: string;
  readonly allowed: readonly Allowed[];
  readonly since: Date;
  /** The last used first; by another client: a service that acted for the application. */
  readonly uses: readonly DelegationUse[];
  readonly lastUsedAt: Date | undefined;
}

function allowedBy(delegations: readonly Delegation[]): readonly Allowed[] {
  const scopes = new Map<string, Set<string>>();
  for (const { audience, scopes: given } of delegations)
    scopes.set(audience, new Set([...(scopes.get(audience) ?? []), ...given]));
  return [...scopes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([audience, given]) => ({ audience, scopes: [...given].sort() }));
}

/** A person's delegations and their uses by application, the last used first. */
export function applicationsOf(
  delegations: readonly Delegation[],
  uses: readonly DelegationUse[],
): readonly AllowedApplication[] {
  const byClient = new Map<string, Delegation[]>();
  for (const delegation of delegations)
    byClient.set(delegation.clientId, [...(byClient.get(delegation.clientId) ?? []), delegation]);
  return [...byClient]
    .map(([clientId, own]) => {
      const ids = new Set(own.map(({ id }) => id));
      const used = uses
        .filter(({ delegationId }) => ids.has(delegationId))
        .sort((a, b) => b.lastAt.getTime() - a.lastAt.getTime());
      const since = new Date(Math.min(...own.map(({ createdAt }) => createdAt.getTime())));
      return { clientId, allowed: allowedBy(own), since, uses: used, lastUsedAt: used[0]?.lastAt };
    })
    .sort((a, b) => (b.lastUsedAt ?? b.since).getTime() - (a.lastUsedAt ?? a.since).getTime());
}
