import { apiKeyOfClaim } from './api-key-claim.js';
import { isObject, type JsonObject } from '../json-object.js';
import { type Actor, type Confirmation, type Principal } from '../principal.js';
import { TokenError } from '../token-error.js';
import { type TokenErrorCode } from '../token-error-reasons.js';
import { scopeSetOf } from './scope-set.js';
import { kindOf } from './principal-kind.js';

export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  /** Further names of this service; a token is for one of them. */
  readonly others?: readonly string[];
  /** Tolerated clock difference in seconds, at most 5. */
  readonly toleranceSeconds: number;
}

/** Maximum actors in one token. */
export const ACTOR_LIMIT = 8;
/** Maximum characters of a claim that is a name. */
export const NAME_LIMIT = 512;
/** Maximum characters of a token's scopes together, including the spaces between them. */
export const SCOPE_LENGTH_LIMIT = 2_048;
export const TIME_LIMIT = 253_402_300_799;
/** Entries of `roles`, and of `amr`. */
const LIST_LIMIT = 64;
const NO_ACTORS: readonly Actor[] = Object.freeze([]);
const NO_ENTRIES: readonly string[] = Object.freeze([]);

/** A claim that is a name. @throws {TokenError} `CLAIM_MISSING`, `CLAIM_INVALID` */
export function text(value: unknown, name: string): string {
  if (value === undefined) throw new TokenError('CLAIM_MISSING', name);
  if (typeof value !== 'string' || value === '' || value.length > NAME_LIMIT) {
    throw new TokenError('CLAIM_INVALID', name);
  }
  return value;
}

function seconds(value: unknown, name: string): number {
  if (value === undefined) throw new TokenError('CLAIM_MISSING', name);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > TIME_LIMIT) {
    throw new TokenError('CLAIM_INVALID', name);
  }
  return value;
}

export function actorsOf(act: unknown): readonly Actor[] {
  if (act === undefined) return NO_ACTORS;
  const actors: Actor[] = [];
  let next: unknown = act;
  while (next !== undefined) {
    if (!isObject(next) || actors.length >= ACTOR_LIMIT) throw new TokenError('CLAIM_INVALID', 'act');
    const subject = text(next['sub'], 'act.sub');
    const clientId = next['client_id'];
    actors.push(clientId === undefined ? { subject } : { subject, clientId: text(clientId, 'act.client_id') });
    next = next['act'];
  }
  return actors;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function listOf(value: unknown, name: string): readonly string[] {
  if (value === undefined) return NO_ENTRIES;
  if (!Array.isArray(value) || value.length > LIST_LIMIT || !value.every(isText)) {
    throw new TokenError('CLAIM_INVALID', name);
  }
  return value;
}

function scopesOf(scope: unknown): ReadonlySet<string> {
  if (scope === undefined) throw new TokenError('CLAIM_MISSING', 'scope');
  if (typeof scope !== 'string' || scope.length > SCOPE_LENGTH_LIMIT) throw new TokenError('CLAIM_INVALID', 'scope');
  return scopeSetOf(scope);
}

/** A token bound by an unknown method must not be accepted as an unbound one (RFC 7800, section 3.1). */
export function confirmationOf(cnf: unknown): Confirmation | undefined {
  if (cnf === undefined) return undefined;
  const [[method, value] = ['', undefined], ...more] = isObject(cnf) ? Object.entries(cnf) : [];
  if (more.length > 0 || typeof value !== 'string' || !/^[\w-]{43}$/.test(value)) {
    throw new TokenError('CLAIM_INVALID', 'cnf');
  }
  if (method === 'jkt') return { jkt: value };
  if (method === 'x5t#S256') return { certificate: value };
  throw new TokenError('CLAIM_INVALID', 'cnf');
}

export function outOfTime(code: TokenErrorCode, claim: string, now: number, actual: unknown): TokenError {
  return new TokenError(code, claim, { expected: Math.floor(now), actual });
}

/**
 * Checks the claims of an access token (RFC 9068, section 4; RFC 7519, section 4.1) and builds the principal from them.
 * @param now seconds
 * @throws {TokenError} `ISSUER_MISMATCH`, `AUDIENCE_MISMATCH`, `TOKEN_EXPIRED`, `TOKEN_NOT_YET_VALID`, `CLAIM_MISSING`, `CLAIM_INVALID`
 */
export function principalOfClaims(claims: JsonObject, expected: Expected, now: number): Principal {
  const { iss, aud, exp, nbf, iat, jti, sub, client_id, act, scope, txn, roles, kind, auth_time, acr, amr, cnf } =
    claims;
  const { api_key } = claims;
  const { issuer, others, toleranceSeconds } = expected;
  if (iss !== issuer) {
    throw new TokenError('ISSUER_MISMATCH', 'iss', { expected: issuer, actual: text(iss, 'iss') });
  }
  const audience = aud === expected.audience ? expected.audience : others?.find((other) => other === aud);
  if (audience === undefined) {
    const names = [expected.audience, ...(others ?? [])].join(' ');
    // The `typ` of most other issuers, whose tokens need a profile.
    if (Array.isArray(aud)) throw new TokenError('CLAIM_INVALID', 'aud', { expected: names, actual: 'a list' });
    throw new TokenError('AUDIENCE_MISMATCH', 'aud', { expected: names, actual: text(aud, 'aud') });
  }
  const expiresAt = seconds(exp, 'exp');
  if (now >= expiresAt + toleranceSeconds) throw outOfTime('TOKEN_EXPIRED', 'exp', now, expiresAt);
  if (nbf !== undefined && now < seconds(nbf, 'nbf') - toleranceSeconds) {
    throw outOfTime('TOKEN_NOT_YET_VALID', 'nbf', now, nbf);
  }
  const issuedAt = seconds(iat, 'iat');
  if (now < issuedAt - toleranceSeconds) throw outOfTime('TOKEN_NOT_YET_VALID', 'iat', now, issuedAt);
  const tokenId = text(jti, 'jti');
  const subject = text(sub, 'sub');
  return {
    kind: kindOf(kind, subject),
    subject,
    clientId: text(client_id, 'client_id'),
    actors: actorsOf(act),
    scopes: scopesOf(scope),
    audience,
    issuer,
    tokenId,
    txn: txn === undefined ? tokenId : text(txn, 'txn'),
    roles: listOf(roles, 'roles'),
    authTime: auth_time === undefined ? undefined : seconds(auth_time, 'auth_time'),
    acr: acr === undefined ? undefined : text(acr, 'acr'),
    amr: listOf(amr, 'amr'),
    issuedAt,
    expiresAt,
    confirmation: confirmationOf(cnf),
    ...(api_key === undefined ? {} : { apiKey: apiKeyOfClaim(api_key) }),
  };
}
