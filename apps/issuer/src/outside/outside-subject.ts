import { TokenError, type JsonObject, type Principal } from '@countersign/auth-core';
import { pathOfOddText } from '@countersign/service-host';
import { type OutsideIssuer } from './outside-issuer.js';

/** Maximum characters of a name in a token, in a revocation and in the trail. */
const NAME_LIMIT = 512;

/**
 * The subject of an outside issuer's user here. Our own names never contain `|`, so no outside name can collide with one.
 * @throws {TokenError} `CLAIM_INVALID` if it is too long, or cannot be stored or displayed
 */
function outsideName(issuer: Pick<OutsideIssuer, 'name'>, theirs: string, claim: string): string {
  const name = `${issuer.name}|${theirs}`;
  if (name.length > NAME_LIMIT || pathOfOddText(name) !== undefined) throw new TokenError('CLAIM_INVALID', claim);
  return name;
}

function rolesOf({ roles: declared }: OutsideIssuer, theirs: readonly string[]): readonly string[] {
  const ours = theirs.map((role) => (Object.hasOwn(declared, role) ? declared[role] : undefined));
  return [...new Set(ours.filter((role) => role !== undefined))];
}

/**
 * An outside issuer's user, as represented here: kind by its profile; subject, actors and ids under the issuer's name; roles by declaration.
 * Their client is in the chain as an actor, unless it is the subject itself.
 * @param isOurClient whether the token names one of our own clients, as an identity assertion does
 */
export function outsideSubject(issuer: OutsideIssuer, token: Principal, isOurClient: boolean): Principal {
  const { subject, clientId, actors, roles, tokenId, txn } = token;
  const isItself = subject === clientId;
  const chain = [...(isItself || isOurClient ? [] : [clientId]), ...actors.map((actor) => actor.subject)];
  return {
    ...token,
    kind: isItself && !isOurClient ? 'service' : token.kind,
    subject: outsideName(issuer, subject, 'sub'),
    clientId: outsideName(issuer, clientId, 'client_id'),
    actors: chain.map((actor) => ({ subject: outsideName(issuer, actor, 'act') })),
    roles: rolesOf(issuer, roles),
    tokenId: outsideName(issuer, tokenId, 'jti'),
    txn: outsideName(issuer, txn, 'txn'),
  };
}

/** The limits that an assertion sets: these scopes, these resources. Undefined if it sets none. */
export interface AssertionLimits {
  readonly scopes: ReadonlySet<string> | undefined;
  readonly resources: readonly string[] | undefined;
}

/** @throws {TokenError} `CLAIM_INVALID` */
export function assertionLimits({ scope, resource }: JsonObject, scopes: ReadonlySet<string>): AssertionLimits {
  const resources: readonly unknown[] | undefined =
    resource === undefined ? undefined : Array.isArray(resource) ? resource : [resource];
  if (resources?.every((one) => typeof one === 'string') === false) throw new TokenError('CLAIM_INVALID', 'resource');
  return { scopes: scope === undefined ? undefined : scopes, resources: resources?.map(String) };
}
