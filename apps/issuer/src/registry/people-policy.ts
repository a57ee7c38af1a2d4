import { z } from 'zod';
import { audienceSchema, nameSchema, POLICY_LIMIT, scopeSchema, SCOPES_LIMIT } from './names.js';
import { refused } from './refused.js';

/** The issuer's own audience: its admin API, and people's identity. */
export const ISSUER_AUDIENCE = 'issuer';
/** Scopes about a person's identity (OpenID Connect Core, sections 5.4 and 11), which grant no rights and combine with any audience. */
export const identityScopes: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);

const ROLES_LIMIT = 32;

/** A scope that people can grant an application: everybody, or only those with one of the roles. */
const personScopeSchema = z.union([
  scopeSchema,
  z.strictObject({ scope: scopeSchema, roles: z.array(nameSchema).min(1).max(ROLES_LIMIT) }),
]);

/** For each audience, what an application may request from a person. Identity scopes are under `issuer`. */
export const peoplePolicySchema = z
  .record(audienceSchema, z.array(personScopeSchema).min(1).max(SCOPES_LIMIT))
  .refine(
    (audiences) => Object.keys(audiences).length <= POLICY_LIMIT,
    `must name at most ${String(POLICY_LIMIT)} audiences`,
  );
export type PeoplePolicy = z.infer<typeof peoplePolicySchema>;

/** What an application may get of its request to a person, or why it is refused. */
export type PersonDecision =
  | { readonly ok: true; readonly audience: string; readonly scopes: readonly string[] }
  | {
      readonly ok: false;
      readonly error: 'invalid_target' | 'invalid_scope' | 'access_denied';
      readonly description: string;
    };

type RolesByScope = ReadonlyMap<string, readonly string[] | undefined>;

function declaredFor(policy: PeoplePolicy, audience: string): RolesByScope | undefined {
  const scopes = Object.hasOwn(policy, audience) ? policy[audience] : undefined;
  if (scopes === undefined) return undefined;
  return new Map(scopes.map((one) => (typeof one === 'string' ? [one, undefined] : [one.scope, one.roles])));
}

/** Without a `resource` (RFC 8707, section 2): the issuer for identity scopes, otherwise the policy's only service. */
function defaultAudience(policy: PeoplePolicy, scopes: readonly string[]): string | undefined {
  if (scopes.every((scope) => identityScopes.has(scope))) return ISSUER_AUDIENCE;
  const services = Object.keys(policy).filter((audience) => audience !== ISSUER_AUDIENCE);
  return services.length === 1 ? services[0] : undefined;
}

/**
 * What an application may request, before the person is known: each scope must be declared for the audience, identity scopes for the issuer.
 * A request that names nothing asks only for the person's identity (RFC 6749, section 3.3, allows such a default).
 * @param asked the `resource`, if one was named
 */
export function decideForApplication(
  policy: PeoplePolicy | undefined,
  asked: string | undefined,
  named: readonly string[],
): PersonDecision {
  if (policy === undefined)
    return refused('invalid_target', 'the client has no people policy; an administrator must add policy.people');
  const scopes = named.length === 0 && asked === undefined ? ['openid'] : named;
  if (scopes.length === 0) return refused('invalid_scope', 'name the scopes that the application needs');
  const audience = asked ?? defaultAudience(policy, scopes);
  if (audience === undefined) return refused('invalid_target', 'name one audience with resource');
  const declared = declaredFor(policy, audience);
  if (declared === undefined) return refused('invalid_target', "the client's policy does not include this audience");
  const identity = declaredFor(policy, ISSUER_AUDIENCE);
  const allowed = (scope: string): boolean =>
    declared.has(scope) || (identityScopes.has(scope) && identity?.has(scope) === true);
  if (!scopes.every(allowed)) return refused('invalid_scope', "a requested scope is not in the client's policy");
  return { ok: true, audience, scopes };
}

/**
 * The part of it that a person can grant: scopes that need other roles are left out. If only identity scopes would be left of a request for
 * more, it is refused.
 * @param asked as {@link decideForApplication} allowed it
 */
export function decideForPerson(
  policy: PeoplePolicy | undefined,
  asked: { readonly audience: string; readonly scopes: readonly string[] },
  roles: readonly string[],
): PersonDecision {
  const decision = decideForApplication(policy, asked.audience, asked.scopes);
  if (!decision.ok || policy === undefined) return decision;
  const declared = declaredFor(policy, asked.audience);
  const identity = declaredFor(policy, ISSUER_AUDIENCE);
  const held = (scope: string): boolean => {
    const needed = declared?.has(scope) === true ? declared.get(scope) : identity?.get(scope);
    return needed === undefined || needed.some((role) => roles.includes(role));
  };
  const scopes = asked.scopes.filter(held);
  const useful = (list: readonly string[]): boolean => list.some((scope) => !identityScopes.has(scope));
  if (scopes.length === 0 || (useful(asked.scopes) && !useful(scopes))) {
    return refused('access_denied', 'the person may not grant what the application requested');
  }
  return { ok: true, audience: asked.audience, scopes };
}
