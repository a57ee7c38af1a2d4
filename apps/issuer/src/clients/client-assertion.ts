import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { TokenError } from '@countersign/auth-core';
import {
  isAlgorithm,
  TokenReader,
  type Algorithm,
  type JsonObject,
  type VerificationKey,
} from '@countersign/auth-core/jws';
import { authenticationWork } from './authentication-work.js';
import { type TrustedIssuer } from './client.js';
import { subjectMatches } from './trusted-issuer.js';

/** Seconds that an assertion may be good for at the most. */
export const ASSERTION_LIFETIME_LIMIT = 60;
/** Seconds that an outside issuer's token may be good for at the most. */
export const WORKLOAD_LIFETIME_LIMIT = 86_400;
/** Seconds of clock difference that are forgiven. */
export const TOLERANCE_SECONDS = 5;
/** Printable ASCII: not every text fits the database. */
const jtiPattern = /^[\x21-\x7e]{1,256}$/;

/** Why an assertion does not hold: for the audit trail and the logs, never for the caller. */
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
  | 'ASSERTION_TOO_LONG';

/** A parsed assertion of which nothing is believed yet. */
export interface Assertion {
  readonly algorithm: Algorithm;
  readonly keyId: string | undefined;
  readonly claims: JsonObject;
  /** The whole of it, as it came. */
  readonly text: string;
}

const reader = new TokenReader();
/** What the reader holds. */
let read = '';

/** Parses strictly (RFC 7515, section 3.1; RFC 8725). @returns the fault's code where it is no assertion at all */
export function parseAssertion(text: string): Assertion | AssertionFault {
  try {
    read = '';
    const { alg, kid, typ, crit } = reader.read(text);
    read = text;
    if (!isAlgorithm(alg) || crit !== undefined) return 'ASSERTION_ALG';
    if (typ !== undefined && (typeof typ !== 'string' || /at\+jwt/i.test(typ))) return 'ASSERTION_TYPE';
    if (kid !== undefined && typeof kid !== 'string') return 'ASSERTION_MALFORMED';
    return { algorithm: alg, keyId: kid, claims: reader.claims(), text };
  } catch (error) {
    if (error instanceof TokenError) return 'ASSERTION_MALFORMED';
    throw error;
  }
}

const decoys = new Map<'ES256' | 'EdDSA' | 'RSA', KeyObject>();

/** A key of nobody's, so that an unknown client or key costs the same work as a known one. */
function decoyKey(algorithm: Algorithm): KeyObject {
  const kind = algorithm === 'ES256' || algorithm === 'EdDSA' ? algorithm : 'RSA';
  const known = decoys.get(kind);
  if (known !== undefined) return known;
  const { publicKey } =
    kind === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : kind === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2_048 });
  decoys.set(kind, publicKey);
  return publicKey;
}

/** Makes the decoys at start: the first guess at a client's name must not be the one that pays for them. */
export function prepareDecoys(algorithms: readonly Algorithm[]): void {
  for (const algorithm of algorithms) decoyKey(algorithm);
}

/** The key that an assertion names by `kid`; without one, the client's only key for the algorithm. */
export function keyFor({ algorithm, keyId }: Assertion, keys: readonly VerificationKey[]): VerificationKey | undefined {
  if (keyId !== undefined) return keys.find((key) => key.keyId === keyId);
  const fitting = keys.filter((key) => key.algorithms.has(algorithm));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/**
 * Whether a key signed the assertion. Whatever the outcome, exactly one signature is checked.
 * @param key nothing when there is no such client or key
 */
export function signatureFault(
  { algorithm, text }: Assertion,
  key: VerificationKey | undefined,
): 'ASSERTION_KEY_UNKNOWN' | 'ASSERTION_SIGNATURE' | undefined {
  const fitting = key?.algorithms.has(algorithm) === true ? key : undefined;
  if (read !== text) reader.read((read = text));
  authenticationWork.signature += 1;
  const verifies = reader.verifies(algorithm, fitting?.key ?? decoyKey(algorithm));
  if (fitting === undefined) return 'ASSERTION_KEY_UNKNOWN';
  return verifies ? undefined : 'ASSERTION_SIGNATURE';
}

export interface ExpectedAssertion {
  readonly issuer: string;
  readonly subject: string;
  /** Any one of these, alone. */
  readonly audiences: readonly string[];
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

/** Checks the claims of a client's own assertion (RFC 7523, section 3; `private_key_jwt`). @param now seconds */
export function claimsFault(claims: JsonObject, expected: ExpectedAssertion, now: number): AssertionFault | undefined {
  const { iss, sub, aud, jti } = claims;
  if (typeof jti !== 'string' || !jtiPattern.test(jti)) return 'ASSERTION_CLAIM_MISSING';
  if (iss !== expected.issuer) return 'ASSERTION_ISSUER';
  if (sub !== expected.subject) return 'ASSERTION_SUBJECT';
  if (typeof aud !== 'string' || !expected.audiences.includes(aud)) return 'ASSERTION_AUDIENCE';
  return timesFault(claims, ASSERTION_LIFETIME_LIMIT, now);
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
