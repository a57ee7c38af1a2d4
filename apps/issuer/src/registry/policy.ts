import { type ExchangeEdge, type Policy } from './client.js';
import { refused } from './refused.js';

/** Maximum actors in a chain: a call that is passed on more often is refused. */
export const ACTOR_LIMIT = 5;

/** What the policy says: the granted scopes, or the RFC's error (RFC 6749, section 5.2; RFC 8693, section 2.2.2). */
export type Decision =
  | { readonly ok: true; readonly scopes: readonly string[] }
  | { readonly ok: false; readonly error: 'invalid_target' | 'invalid_scope'; readonly description: string };

/** `client_credentials`: each requested scope must be among the policy's scopes for the audience; none are granted without a request. */
export function decideClientCredentials(policy: Policy, audience: string, scopes: readonly string[]): Decision {
  const allowed = Object.hasOwn(policy.audiences, audience) ? policy.audiences[audience] : undefined;
  if (allowed === undefined) return refused('invalid_target', "the client's policy does not include this audience");
  if (scopes.length === 0) return refused('invalid_scope', 'name the scopes that this call needs');
  if (!scopes.every((scope) => allowed.includes(scope))) {
    return refused('invalid_scope', "a requested scope is not in the client's policy");
  }
  return { ok: true, scopes };
}

/** Each requested scope must be on an open edge. */
function withinEdges(open: readonly { readonly scopes: readonly string[] }[], scopes: readonly string[]): Decision {
  if (scopes.length === 0) return refused('invalid_scope', 'name the scopes that this call needs');
  if (!scopes.every((scope) => open.some((edge) => edge.scopes.includes(scope)))) {
    return refused('invalid_scope', "a requested scope is not in the client's exchange policy");
  }
  return { ok: true, scopes };
}

/** A verified subject token, as seen by the exchange rule. */
export interface SubjectToken {
  readonly audience: string;
  readonly scopes: ReadonlySet<string>;
  /** Who has acted for the subject so far. */
  readonly actors: readonly unknown[];
}

/**
 * Token exchange follows declared edges: holding a subject token for an audience with a scope, the client may request the edge's scopes of another audience.
 * Each requested scope must be on an edge that the subject token opens, and the chain of actors may not exceed its limit.
 */
export function decideExchange(
  policy: Policy,
  subject: SubjectToken,
  audience: string,
  scopes: readonly string[],
): Decision {
  if (subject.actors.length >= ACTOR_LIMIT) return refused('invalid_target', 'the chain of actors is too long');
  const open = policy.exchange.filter(
    (edge: ExchangeEdge) =>
      edge.audience === audience &&
      edge.subject_audience === subject.audience &&
      subject.scopes.has(edge.subject_scope),
  );
  if (open.length === 0) return refused('invalid_target', 'the client may not exchange this token for this audience');
  return withinEdges(open, scopes);
}

/** A token of an outside issuer, verified. */
export interface OutsideSubjectToken {
  /** The issuer's declared name. */
  readonly issuer: string;
  /** What the token is for. */
  readonly audiences: readonly unknown[];
  readonly scopes: ReadonlySet<string>;
  readonly actors: readonly unknown[];
}

/**
 * Like {@link decideExchange}, along the edges that name the outside issuer: a token of another issuer never opens one of our own edges, or vice versa.
 * @param ownIssuer this issuer, the default audience of an edge
 */
export function decideOutsideExchange(
  policy: Policy,
  subject: OutsideSubjectToken,
  ownIssuer: string,
  { audience, scopes }: { readonly audience: string; readonly scopes: readonly string[] },
): Decision {
  if (subject.actors.length >= ACTOR_LIMIT) return refused('invalid_target', 'the chain of actors is too long');
  const open = (policy.outside_exchange ?? []).filter(
    (edge) =>
      edge.subject_issuer === subject.issuer &&
      edge.audience === audience &&
      subject.audiences.includes(edge.subject_audience ?? ownIssuer) &&
      (edge.subject_scope === undefined || subject.scopes.has(edge.subject_scope)),
  );
  if (open.length === 0) return refused('invalid_target', 'the client may not exchange this token for this audience');
  return withinEdges(open, scopes);
}
