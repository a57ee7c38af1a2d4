import { isObject, type JsonObject } from '../json-object.js';
import { type ApiKeyIdentity, type ApiKeyLimit } from '../principal.js';
import { TokenError } from '../token-error.js';

/** Maximum networks of one key, and classes of one plan for an audience. */
export const API_KEY_LIST_LIMIT = 16;
/** A key's name: letters, digits, space, `.`, `_` and `-`, a letter or digit first. */
export const apiKeyNamePattern = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/;
/** A route class. */
export const routeClassPattern = /^[a-z][a-z0-9_-]{0,31}$/;

const isUuid = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);

function invalid(member: string): TokenError {
  return new TokenError('CLAIM_INVALID', `api_key.${member}`);
}

function countOf(value: unknown, member: string): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw invalid(member);
  return value;
}

function limitOf(value: unknown): ApiKeyLimit {
  if (!isObject(value)) throw invalid('limits');
  return {
    perMinute: countOf(value['per_minute'], 'limits'),
    burst: countOf(value['burst'], 'limits'),
    perDay: countOf(value['per_day'], 'limits'),
    perMonth: countOf(value['per_month'], 'limits'),
  };
}

function limitsOf(value: unknown): ApiKeyIdentity['limits'] {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw invalid('limits');
  const entries = Object.entries(value);
  const isKnown = ([name]: [string, unknown]): boolean => name === '*' || routeClassPattern.test(name);
  if (entries.length > API_KEY_LIST_LIMIT || !entries.every(isKnown)) throw invalid('limits');
  return Object.fromEntries(entries.map(([name, limit]) => [name, limitOf(limit)]));
}

function networksOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const isText = (one: unknown): one is string => typeof one === 'string' && one.length <= 64;
  if (!Array.isArray(value) || value.length > API_KEY_LIST_LIMIT || !value.every(isText)) throw invalid('networks');
  return value;
}

/** Reads the claim `api_key`. @throws {TokenError} `CLAIM_INVALID` */
export function apiKeyOfClaim(claim: unknown): ApiKeyIdentity | undefined {
  if (claim === undefined) return undefined;
  if (!isObject(claim)) throw new TokenError('CLAIM_INVALID', 'api_key');
  const { id, name, networks, limits } = claim;
  if (!isUuid(id)) throw invalid('id');
  if (typeof name !== 'string' || !apiKeyNamePattern.test(name)) throw invalid('name');
  return { id, name, networks: networksOf(networks), limits: limitsOf(limits) };
}

function limitClaim({ perMinute, burst, perDay, perMonth }: ApiKeyLimit): JsonObject {
  return { per_minute: perMinute, burst, per_day: perDay, per_month: perMonth };
}

/** The claim `api_key` of a token; missing and empty members are omitted. */
export function claimOfApiKey({ id, name, networks, limits }: ApiKeyIdentity): JsonObject {
  return {
    id,
    name,
    ...(networks.length === 0 ? {} : { networks }),
    ...(limits === undefined
      ? {}
      : { limits: Object.fromEntries(Object.entries(limits).map(([of, limit]) => [of, limitClaim(limit)])) }),
  };
}
