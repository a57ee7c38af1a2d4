import { type KeyObject } from 'node:crypto';
import { TokenError } from '@countersign/auth-core';
import {
  CANDIDATES_LIMIT,
  isAlgorithm,
  TokenReader,
  type Algorithm,
  type JsonObject,
  type VerificationKey,
} from '@countersign/auth-core/jws';
import { type TrustedIssuer } from '../registry/client.js';
import { subjectMatches } from '../registry/trusted-issuer.js';
import { authenticationWork } from './authentication-work.js';
import { decoyKey } from './decoy-keys.js';

/** Maximum lifetime of an assertion in seconds. */
export const ASSERTION_LIFETIME_LIMIT = 60;
/** Maximum lifetime of an outside issuer's token in seconds. */
export const WORKLOAD_LIFETIME_LIMIT = 86_400;
/** Tolerated clock difference in seconds. */
export const TOLERANCE_SECONDS = 5;
/** Printable ASCII, because the database does not accept every text. */
const jtiPattern = /^[\x21-\x7e]{1,256}$/;

/** Why an assertion is invalid, for the audit trail and the logs; the caller only gets {@link assertionHint}. */
export type AssertionFault =
  | 'ASSERTION_MALFORMED'
  | 'ASSERTION_ALG'
  | 'ASSERTION_TYPE'
  | 'ASSERTION_KEY_UNKNOWN'
  | 'ASSERTION_SIGNATURE'
  | 'ASSERTION_CLAIM_MISSING'
  | 'ASSERTION_ISSUER'
  | 'ASSERTION_SUBJECT'
  | 'ASSERTION_AUDIENCE'
  | 'ASSERTION_EXPIRED'
  | 'ASSERTION_NOT_YET_VALID'
  | 'ASSERTION_TOO_LONG'
  | 'ASSERTION_BEFORE_RESTORE';

/** All that a stranger sees. */
export const FAILED = 'client authentication failed';

/** A parsed assertion, not verified yet. */
export interface Assertion {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
  /** The whole assertion, as received. */
  readonly text: string;
}

const reader = new TokenReader();

/** Parses strictly (RFC 7515, section 3.1; RFC 8725). @returns the fault's code if it is not an assertion */
export function parseAssertion(text: string): Assertion | AssertionFault {
  try {
    const { alg, kid, typ, crit } = reader.read(text);
    if (!isAlgorithm(alg) || crit !== undefined) return 'ASSERTION_ALG';
    if (typ !== undefined && (typeof typ !== 'string' || /at\+jwt/i.test(typ))) return 'ASSERTION_TYPE';
    if (kid !== undefined && typeof kid !== 'string') return 'ASSERTION_MALFORMED';
    return { algorithm: alg, keyId: kid, claims: reader.claims(), text };
  } catch (error) {
    if (error instanceof TokenError) return 'ASSERTION_MALFORMED';
    throw error;
  }
}

/**
 * Whether one of the keys signed the assertion. Every failure costs the same work, whatever exists: one signature for an assertion that names
 * its key by `kid`, and the maximum number of tries for one that does not.
 * @param candidates keys that match the algorithm; none if there is no such client or key
 */
export function signatureFault(
  { algorithm, keyId, text }: Assertion,
  candidates: readonly VerificationKey[],
): 'ASSERTION_KEY_UNKNOWN' | 'ASSERTION_SIGNATURE' | undefined {
  if (!reader.holds(text)) reader.read(text);
  const verifies = (key: KeyObject): boolean => {
    authenticationWork.signature += 1;
    return reader.verifies(algorithm, key);
  };
  if (candidates.some(({ key }) => verifies(key))) return undefined;
  for (let tried = candidates.length; tried < (keyId === undefined ? CANDIDATES_LIMIT : 1); tried += 1) {
    verifies(decoyKey(algorithm));
  }
  return candidates.length === 0 ? 'ASSERTION_KEY_UNKNOWN' : 'ASSERTION_SIGNATURE';
}

export interface ExpectedAssertion {
  readonly issuer: string;
  readonly subject: string;
  /** Exactly one of these. */
  readonly audiences: readonly string[];
  /** Seconds since 1970 before which it must not have been issued; undefined without such a limit. */
  readonly issuedSince?: number | undefined;
}

function timesFault({ exp, iat, nbf }: JsonObject, lifetimeLimit: number, now: number): AssertionFault | undefined {
  if (typeof exp !== 'number') return 'ASSERTION_CLAIM_MISSING';
  if (now >= exp + TOLERANCE_SECONDS) return 'ASSERTION_EXPIRED';
  if (nbf !== undefined && (typeof nbf !== 'number' || now < nbf - TOLERANCE_SECONDS)) return 'ASSERTION_NOT_YET_VALID';
  if (exp > now + lifetimeLimit + TOLERANCE_SECONDS) return 'ASSERTION_TOO_LONG';
  if (iat === undefined) return undefined;
  if (typeof iat !== 'number' || iat > now + TOLERANCE_SECONDS) return 'ASSERTION_NOT_YET_VALID';
  return exp - iat > lifetimeLimit ? 'ASSERTION_TOO_LONG' : undefined;
}

/** The earliest time at which its claims allow it to have been issued; without `iat` it may be as old as its maximum lifetime. */
function isFrom({ iat, exp }: JsonObject, since: number): boolean {
  return Number(iat ?? Number(exp) - ASSERTION_LIFETIME_LIMIT) >= since;
}

/** Exactly one audience; RFC 7519, section 4.1.3, allows it in an array. */
function onlyAudience(aud: unknown): string | undefined {
  const one: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  return typeof one === 'string' ? one : undefined;
}

/** Checks the claims of a client's own assertion (RFC 7523, section 3; `private_key_jwt`). @param now seconds */
export function claimsFault(claims: JsonObject, expected: ExpectedAssertion, now: number): AssertionFault | undefined {
  const { iss, sub, aud, jti } = claims;
  if (typeof jti !== 'string' || !jtiPattern.test(jti)) return 'ASSERTION_CLAIM_MISSING';
  if (iss !== expected.issuer) return 'ASSERTION_ISSUER';
  if (sub !== expected.subject) return 'ASSERTION_SUBJECT';
  const audience = onlyAudience(aud);
  if (audience === undefined || !expected.audiences.includes(audience)) return 'ASSERTION_AUDIENCE';
  const fault = timesFault(claims, ASSERTION_LIFETIME_LIMIT, now);
  if (fault !== undefined || expected.issuedSince === undefined) return fault;
  return isFrom(claims, expected.issuedSince) ? undefined : 'ASSERTION_BEFORE_RESTORE';
}

/** Checks the claims of an outside issuer's token that stands for a client (RFC 7523, section 3). @param now seconds */
export function workloadFault(
  claims: JsonObject,
  trusted: TrustedIssuer,
  audience: string,
  now: number,
): AssertionFault | undefined {
  const { iss, sub, aud } = claims;
  if (iss !== trusted.issuer) return 'ASSERTION_ISSUER';
  if (typeof sub !== 'string' || !subjectMatches(trusted.subject, sub)) return 'ASSERTION_SUBJECT';
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience)) return 'ASSERTION_AUDIENCE';
  return timesFault(claims, WORKLOAD_LIFETIME_LIMIT, now);
}

/**
 * What a client with a valid signature is shown about an invalid claim, so that an honest client can fix it.
 * @param audience what `aud` must be
 * @param lifetimeLimit seconds
 */
export function assertionHint(
  fault: AssertionFault | 'ASSERTION_REPLAYED',
  audience: string,
  lifetimeLimit: number,
): string {
  switch (fault) {
    case 'ASSERTION_CLAIM_MISSING':
      return 'the assertion needs exp, and jti of 1 to 256 printable ASCII characters';
    case 'ASSERTION_ISSUER':
    case 'ASSERTION_SUBJECT':
      return 'iss and sub of the assertion must both be the client_id';
    case 'ASSERTION_AUDIENCE':
      return `aud of the assertion must be ${audience}`;
    case 'ASSERTION_EXPIRED':
      return 'the assertion has expired; create a new one for each request, and check the clock';
    case 'ASSERTION_NOT_YET_VALID':
      return `iat or nbf of the assertion is more than ${String(TOLERANCE_SECONDS)} seconds ahead; check the clock`;
    case 'ASSERTION_TOO_LONG':
      return `the assertion must expire at most ${String(lifetimeLimit)} seconds after iat or nbf, and at most that long from now; check exp and the clock`;
    case 'ASSERTION_REPLAYED':
      return 'the assertion was used before; create a new one for each request';
    case 'ASSERTION_BEFORE_RESTORE':
      return 'the assertion was created before the issuer started; create a new one for each request';
    case 'ASSERTION_MALFORMED':
    case 'ASSERTION_ALG':
    case 'ASSERTION_TYPE':
    case 'ASSERTION_KEY_UNKNOWN':
    case 'ASSERTION_SIGNATURE':
      return FAILED;
  }
}
