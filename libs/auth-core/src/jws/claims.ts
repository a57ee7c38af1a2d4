import { type Actor, type Confirmation, type Principal } from '../principal.js';
import { TokenError } from '../token-error.js';
import { isObject, type JsonObject } from './compact-jws.js';

export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  /** Seconds of clock difference that are forgiven, 5 at the most. */
  readonly toleranceSeconds: number;
}

/** Actors that one token may name. */
export const ACTOR_LIMIT = 8;
const TIME_LIMIT = 253_402_300_799;

function text(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (value === undefined) throw new TokenError('CLAIM_MISSING', name);
  if (typeof value !== 'string' || value === '' || value.length > 512) throw new TokenError('CLAIM_INVALID', name);
  return value;
}

function seconds(claims: JsonObject, name: string): number {
  const value = claims[name];
  if (value === undefined) throw new TokenError('CLAIM_MISSING', name);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > TIME_LIMIT) {
    throw new TokenError('CLAIM_INVALID', name);
  }
  return value;
}

function actorsOf(act: unknown): readonly Actor[] {
  const actors: Actor[] = [];
  for (let actor = act; actor !== undefined;) {
    if (!isObject(actor) || actors.length >= ACTOR_LIMIT) throw new TokenError('CLAIM_INVALID', 'act');
    const clientId = actor['client_id'];
    actors.push(
      clientId === undefined
        ? { subject: text(actor, 'sub') }
        : { subject: text(actor, 'sub'), clientId: text(actor, 'client_id') },
    );
    actor = actor['act'];
  }
  return actors;
}

function rolesOf(roles: unknown): readonly string[] {
  if (roles === undefined) return [];
  const isText = (role: unknown): role is string => typeof role === 'string';
  if (!Array.isArray(roles) || roles.length > 64 || !roles.every(isText))
    throw new TokenError('CLAIM_INVALID', 'roles');
  return roles;
}

function scopesOf(scope: unknown): ReadonlySet<string> {
  if (scope === undefined) throw new TokenError('CLAIM_MISSING', 'scope');
  if (typeof scope !== 'string' || scope.length > 2_048) throw new TokenError('CLAIM_INVALID', 'scope');
  return new Set(scope === '' ? [] : scope.split(' '));
}

/** A token bound in a way that we do not know must not pass as an unbound one (RFC 7800, section 3.1). */
function confirmationOf(cnf: unknown): Confirmation | undefined {
  if (cnf === undefined) return undefined;
  const jkt = isObject(cnf) && Object.keys(cnf).length === 1 ? cnf['jkt'] : undefined;
  if (typeof jkt !== 'string' || !/^[\w-]{43}$/.test(jkt)) throw new TokenError('CLAIM_INVALID', 'cnf');
  return { jkt };
}

/** Refuses a token outside of its time (RFC 7519, sections 4.1.4 to 4.1.6). @param now seconds */
export function checkTimes(claims: JsonObject, now: number, tolerance: number): void {
  if (now >= seconds(claims, 'exp') + tolerance) throw new TokenError('TOKEN_EXPIRED');
  if (claims['nbf'] !== undefined && now < seconds(claims, 'nbf') - tolerance)
    throw new TokenError('TOKEN_NOT_YET_VALID');
  if (now < seconds(claims, 'iat') - tolerance) throw new TokenError('TOKEN_NOT_YET_VALID', 'iat');
}

/**
 * Checks the claims of an access token (RFC 9068, section 4; RFC 7519, section 4.1) and makes the principal of them.
 * @param now seconds
 * @throws {TokenError} `ISSUER_MISMATCH`, `AUDIENCE_MISMATCH`, `TOKEN_EXPIRED`, `TOKEN_NOT_YET_VALID`, `CLAIM_MISSING`, `CLAIM_INVALID`
 */
export function principalOfClaims(claims: JsonObject, expected: Expected, now: number): Principal {
  if (text(claims, 'iss') !== expected.issuer) throw new TokenError('ISSUER_MISMATCH');
  if (text(claims, 'aud') !== expected.audience) throw new TokenError('AUDIENCE_MISMATCH');
  checkTimes(claims, now, expected.toleranceSeconds);
  const tokenId = text(claims, 'jti');
  return {
    subject: text(claims, 'sub'),
    clientId: text(claims, 'client_id'),
    actors: actorsOf(claims['act']),
    scopes: scopesOf(claims['scope']),
    audience: expected.audience,
    issuer: expected.issuer,
    tokenId,
    txn: claims['txn'] === undefined ? tokenId : text(claims, 'txn'),
    roles: rolesOf(claims['roles']),
    issuedAt: seconds(claims, 'iat'),
    expiresAt: seconds(claims, 'exp'),
    confirmation: confirmationOf(claims['cnf']),
  };
}
