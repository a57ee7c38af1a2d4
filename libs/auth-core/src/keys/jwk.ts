import { createHash, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { algorithmOf, keyFits, knownAlgorithms, type KnownAlgorithm } from './algorithm.js';

/** Any JWK, not yet validated. */
export type Jwk = Readonly<Record<string, unknown>>;

/** A public key with the algorithms that it may verify: the one that its JWK names, or those of its type. */
export interface PublicKey {
  readonly algorithms: ReadonlySet<KnownAlgorithm>;
  readonly key: KeyObject;
}

/** A published key, ready to verify with. */
export interface VerificationKey extends PublicKey {
  /** Its `kid`; its thumbprint where it has none. */
  readonly keyId: string;
  /** RFC 7638. */
  readonly thumbprint: string;
}

/** A private JWK of ours: it always names its `kid` (RFC 7638 thumbprint) and `alg`. */
export interface PrivateJwk {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly d: string;
  readonly [member: string]: unknown;
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
/** The members that make up a thumbprint, in order (RFC 7638, section 3.2; RFC 8037, section 2; RFC 9964). */
const thumbprintMembers: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
  ['AKP', ['alg', 'kty', 'pub']],
]);
/** Maximum characters of a member; a public exponent may have far fewer, because its length determines the time of each verification. */
const lengthLimits: ReadonlyMap<string, number> = new Map([
  ['e', 8],
  ['pub', 4_096],
]);
const lengthLimit = (member: string): number => lengthLimits.get(member) ?? 1_024;

function required(jwk: Jwk): Readonly<Record<string, string>> | undefined {
  const members: Record<string, string> = {};
  for (const name of thumbprintMembers.get(jwk['kty']) ?? []) {
    const value = jwk[name];
    if (typeof value !== 'string' || value.length > lengthLimit(name) || !/^[\w-]+$/.test(value)) return undefined;
    members[name] = value;
  }
  return members['kty'] === undefined ? undefined : members;
}

/**
 * What a published key is for, the `use` of its JWK (RFC 7517, section 4.2): `sig` for tokens, `revocation` for statements of what is revoked and for
 * nothing else. A verifier of one accepts no key of the other, and other verifiers ignore a use that they do not know.
 */
export type KeyPurpose = 'sig' | 'revocation';

/**
 * Whether a JWK says that it may be used for this (RFC 7517, sections 4.2 and 4.3): its `use`, if present, is `sig`, and its `key_ops`, if present,
 * include the operation. One with neither may be used; a key for another purpose than `sig` must state it.
 */
export function mayBeUsedTo(
  operation: 'sign' | 'verify',
  { use, key_ops: operations }: Jwk,
  purpose: KeyPurpose = 'sig',
): boolean {
  if (use !== purpose && (use !== undefined || purpose !== 'sig')) return false;
  if (operations === undefined) return true;
  if (!Array.isArray(operations) || !operations.every((one) => typeof one === 'string')) return false;
  return operations.includes(operation) && new Set(operations).size === operations.length;
}

/**
 * Reads a public JWK (RFC 7517).
 * @returns undefined for a key with private members, of an unknown type or size, or not for verifying signatures
 */
export function publicKeyOf(jwk: Jwk, purpose: KeyPurpose = 'sig'): PublicKey | undefined {
  const members = required(jwk);
  const { alg } = jwk;
  const named = algorithmOf(alg);
  if (members === undefined || privateMembers.some((member) => jwk[member] !== undefined)) return undefined;
  if ((alg !== undefined && named === undefined) || !mayBeUsedTo('verify', jwk, purpose)) return undefined;
  try {
    const key = createPublicKey({ key: { ...members }, format: 'jwk' });
    const algorithms = (named === undefined ? knownAlgorithms : [named]).filter((name) => keyFits(name, key));
    return algorithms.length === 0 ? undefined : { algorithms: new Set(algorithms), key };
  } catch {
    return undefined;
  }
}

/** Reads one JWK of a set. @returns undefined for a key whose `kid` is not a string, or that {@link publicKeyOf} rejects */
export function verificationKeyOf(jwk: Jwk, purpose: KeyPurpose = 'sig'): VerificationKey | undefined {
  const { kid } = jwk;
  const key = publicKeyOf(jwk, purpose);
  if (key === undefined || (kid !== undefined && (typeof kid !== 'string' || kid === ''))) return undefined;
  const thumbprint = thumbprintOf(jwk);
  return { ...key, keyId: kid ?? thumbprint, thumbprint };
}

/**
 * The thumbprint of a public or private JWK (RFC 7638, SHA-256, base64url): what `kid` and `cnf.jkt` hold.
 * @throws {TypeError} when a member of the thumbprint is missing
 */
export function thumbprintOf(jwk: Jwk): string {
  const members = required(jwk);
  if (members === undefined) throw new TypeError('not an EC, OKP, RSA or AKP key');
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

/** The bare public key, as in a DPoP proof's header: only the members of its thumbprint. */
export function dpopJwkOf(jwk: PrivateJwk): Readonly<Record<string, string>> {
  const members = required(jwk);
  if (members === undefined) throw new TypeError('not an EC, OKP, RSA or AKP key');
  return members;
}

/** The public half of a JWK of ours, as a JWKS publishes it. A type, not an interface, so that it is assignable to {@link Jwk}. */
export type PublicJwk = {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly use?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
};

const curves: ReadonlyMap<KnownAlgorithm, string> = new Map([
  ['ES256', 'P-256'],
  ['ES384', 'P-384'],
  ['ES512', 'P-521'],
]);

function newPrivateKey(algorithm: KnownAlgorithm): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const made = (error: Error | null, _publicKey: KeyObject, privateKey: KeyObject): void => {
      if (error === null) resolve(privateKey);
      else reject(error);
    };
    const namedCurve = curves.get(algorithm);
    if (namedCurve !== undefined) generateKeyPair('ec', { namedCurve }, made);
    else if (algorithm === 'EdDSA') generateKeyPair('ed25519', undefined, made);
    else generateKeyPair('rsa', { modulusLength: 2_048 }, made);
  });
}

/**
 * Generates a private signing key as JWK; its `kid` is its RFC 7638 thumbprint.
 * @param algorithm ES256 by default
 */
export async function generateSigningKey(algorithm = 'ES256'): Promise<PrivateJwk> {
  const known = algorithmOf(algorithm);
  if (known === undefined || known.startsWith('ML-DSA')) {
    throw new TypeError(`a key for ${algorithm} cannot be generated here`);
  }
  const { kty, d, ...jwk } = (await newPrivateKey(known)).export({ format: 'jwk' });
  if (kty === undefined || d === undefined) throw new TypeError('the generated key is not a private JWK');
  return { ...jwk, kty, d, kid: thumbprintOf({ ...jwk, kty }), alg: algorithm, use: 'sig' };
}

const publicMembers = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use']);

/** The public half of a private JWK, as a JWKS publishes it. */
export function publicJwkOf(jwk: PrivateJwk): PublicJwk {
  const published = Object.fromEntries(Object.entries(jwk).filter(([member]) => publicMembers.has(member)));
  return { ...published, kty: jwk.kty, kid: jwk.kid, alg: jwk.alg };
}
