import {
  actorsOf,
  confirmationOf,
  outOfTime,
  SCOPE_LENGTH_LIMIT,
  text,
  TIME_LIMIT,
  type Expected,
} from '../jws/claims.js';
import { type JsonObject } from '../json-object.js';
import { kindOfSubject } from '../jws/principal-kind.js';
import { fixedSet, scopeSetOf } from '../jws/scope-set.js';
import { type Principal, type PrincipalKind } from '../principal.js';
import { TokenError } from '../token-error.js';

/** The form of an issuer's access tokens, if it differs from RFC 9068 with one audience. */
export interface TokenProfile {
  /** For logs and errors. */
  readonly name: string;
  /** Accepted values of the header's `typ`, case-insensitive, with or without the prefix `application/`. */
  readonly types: readonly string[];
  /** Whether the header may lack `typ`; then {@link notAccessToken} must recognise other tokens of the issuer. */
  readonly untyped?: boolean;
  /**
   * Recognises tokens that are not access tokens: an ID token of the same issuer, signed by the same key, must never be accepted.
   * @returns the claim that says so
   */
  readonly notAccessToken?: (claims: JsonObject, expected: Expected) => string | undefined;
  /** Whether the token is for this service; by default `aud` is its name, or a list that contains it. */
  readonly isFor?: (claims: JsonObject, audience: string) => boolean;
  /** Claims that may name the client, preferred first. */
  readonly client: readonly string[];
  /** Claims that may hold the token's id; a token without any is identified by its fingerprint. */
  readonly tokenId?: readonly string[];
  /** Whether a token without an id is refused. */
  readonly tokenIdRequired?: boolean;
  /** The scopes: a space-separated string, a list, or undefined; `scope` by default. */
  readonly scopes?: (claims: JsonObject) => unknown;
  /** The kind of subject, if a claim states it; by default a `sub` that contains `|`, or starts with `person:`, is a person's. */
  readonly kind?: (claims: JsonObject, subject: string) => PrincipalKind;
  /** The roles: a list, or undefined. */
  readonly roles?: (claims: JsonObject, audience: string) => unknown;
}

/** Maximum entries of a list in a token: audiences, scopes, roles. */
const LIST_LIMIT = 256;
const NO_SCOPES = fixedSet([]);
const NO_ENTRIES: readonly string[] = Object.freeze([]);

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** A list of strings in a claim. @throws {TokenError} `CLAIM_INVALID` */
function listOf(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value) || value.length > LIST_LIMIT || !value.every(isText)) {
    throw new TokenError('CLAIM_INVALID', name);
  }
  return value;
}

/** `aud` is one name, or a list of them (RFC 7519, section 4.1.3). */
export function audiencesOf({ aud }: JsonObject): readonly string[] {
  if (aud === undefined) throw new TokenError('CLAIM_MISSING', 'aud');
  return typeof aud === 'string' ? [text(aud, 'aud')] : listOf(aud, 'aud');
}

/** A NumericDate (RFC 7519, section 2), which may have a fraction. */
function time(value: unknown, name: string): number {
  if (value === undefined) throw new TokenError('CLAIM_MISSING', name);
  if (typeof value !== 'number' || !(value >= 0 && value <= TIME_LIMIT)) throw new TokenError('CLAIM_INVALID', name);
  return value;
}

function firstOf(claims: JsonObject, names: readonly string[]): readonly [name: string, value: unknown] {
  const name = names.find((one) => claims[one] !== undefined) ?? names[0] ?? '';
  const value = claims[name];
  return [name, Array.isArray(value) && value.length === 1 ? value[0] : value];
}

function scopesOf(value: unknown): ReadonlySet<string> {
  if (value === undefined) return NO_SCOPES;
  if (typeof value !== 'string') return fixedSet(listOf(value, 'scope'));
  if (value.length > SCOPE_LENGTH_LIMIT) throw new TokenError('CLAIM_INVALID', 'scope');
  return scopeSetOf(value);
}

/** Whether a header's `typ` is one that an access token of this profile has (RFC 7515, section 4.1.9). */
export function acceptsType({ types, untyped = false }: TokenProfile, typ: unknown): boolean {
  if (typ === undefined) return untyped;
  if (typeof typ !== 'string') return false;
  const type = typ.toLowerCase().replace(/^application\//, '');
  return types.some((one) => one.toLowerCase() === type);
}

/**
 * Checks the claims of a token whose signature verified, and builds the principal from them.
 * @param now seconds
 * @param fingerprint identifies a token that has no id
 * @throws {TokenError} as for tokens of our own issuer; `TYP_NOT_ALLOWED` for a token that is not an access token, its detail naming the claim
 */
export function principalByProfile(
  profile: TokenProfile,
  claims: JsonObject,
  expected: Expected,
  now: number,
  fingerprint: () => string,
): Principal {
  const { issuer, others = [], toleranceSeconds } = expected;
  const { iss, exp, nbf, iat, sub, txn, auth_time, acr, amr } = claims;
  if (iss !== issuer) throw new TokenError('ISSUER_MISMATCH', 'iss', { expected: issuer, actual: text(iss, 'iss') });
  const named = [expected.audience, ...others];
  const listed = profile.isFor === undefined ? audiencesOf(claims) : [];
  const audience = named.find((name) => profile.isFor?.(claims, name) ?? listed.includes(name));
  if (audience === undefined) {
    const actual = claims['aud'] === undefined ? 'none' : audiencesOf(claims).join(' ');
    throw new TokenError('AUDIENCE_MISMATCH', 'aud', { expected: named.join(' '), actual });
  }
  const expiresAt = time(exp, 'exp');
  if (now >= expiresAt + toleranceSeconds) throw outOfTime('TOKEN_EXPIRED', 'exp', now, expiresAt);
  if (nbf !== undefined && now < time(nbf, 'nbf') - toleranceSeconds) {
    throw outOfTime('TOKEN_NOT_YET_VALID', 'nbf', now, nbf);
  }
  const issuedAt = time(iat, 'iat');
  if (now < issuedAt - toleranceSeconds) throw outOfTime('TOKEN_NOT_YET_VALID', 'iat', now, issuedAt);
  const other = profile.notAccessToken?.(claims, { ...expected, audience });
  if (other !== undefined) throw new TokenError('TYP_NOT_ALLOWED', other, { expected: profile.name });
  const [clientClaim, client] = firstOf(claims, profile.client);
  const [idClaim, id] = firstOf(claims, profile.tokenId ?? ['jti']);
  const isNamed = id !== undefined || profile.tokenIdRequired === true;
  const tokenId = isNamed ? text(id, idClaim) : fingerprint();
  const roles = profile.roles?.(claims, audience);
  const subject = text(sub, 'sub');
  return {
    kind: profile.kind?.(claims, subject) ?? kindOfSubject(subject),
    subject,
    clientId: text(client, clientClaim),
    actors: actorsOf(claims['act']),
    scopes: scopesOf(profile.scopes === undefined ? claims['scope'] : profile.scopes(claims)),
    audience,
    issuer,
    tokenId,
    txn: txn === undefined ? tokenId : text(txn, 'txn'),
    roles: roles === undefined ? NO_ENTRIES : listOf(roles, 'roles'),
    authTime: auth_time === undefined ? undefined : Math.floor(time(auth_time, 'auth_time')),
    acr: acr === undefined ? undefined : text(acr, 'acr'),
    amr: amr === undefined ? NO_ENTRIES : listOf(amr, 'amr'),
    issuedAt,
    expiresAt,
    confirmation: confirmationOf(claims['cnf']),
  };
}
