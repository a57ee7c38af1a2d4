import { type Policy } from '../../registry/client.js';
import { decideForPerson } from '../../registry/people-policy.js';
import { refused } from '../../registry/refused.js';
import { type GrantDecision } from './grant.js';

/**
 * What a person's grant gives now, as the token endpoint says it: the policy or the roles may have become narrower since the person allowed it,
 * and a grant of which nothing is left is no longer valid (RFC 6749, section 5.2, has no `access_denied`).
 */
export function decideGrantForPerson(
  { people }: Pick<Policy, 'people'>,
  asked: Parameters<typeof decideForPerson>[1],
  roles: readonly string[],
): GrantDecision {
  const decision = decideForPerson(people, asked, roles);
  if (decision.ok) return { ok: true, scopes: decision.scopes };
  const { error, description } = decision;
  return refused(error === 'access_denied' ? 'invalid_grant' : error, description);
}
