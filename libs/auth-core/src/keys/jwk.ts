import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { isAlgorithm, keyFits, supportedAlgorithms, type Algorithm } from '../jws/signature.js';

/** A published key, ready to verify with. */
export interface VerificationKey {
  readonly keyId: string;
  /** The algorithms that this key may verify: the one its JWK names, or those that its type fits. */
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly key: KeyObject;
}

/** A private JWK of ours: it always names its `kid` (RFC 7638 thumbprint) and `alg`. */
export interface PrivateJwk {
  readonly kty: string;
  readonly kid: string;
  readonly alg: string;
  readonly d: string;
  readonly [member: string]: unknown;
}

/** Reads one JWK of a set (RFC 7517). @returns nothing for a key that is not for verifying signatures or not understood */
export function verificationKeyOf(jwk: Readonly<Record<string, unknown>>): VerificationKey | undefined {
  const { kid, alg, use } = jwk;
  if (typeof kid !== 'string' || kid === '' || (use !== undefined && use !== 'sig')) return undefined;
  try {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    const named = supportedAlgorithms.filter(
      (algorithm) => (alg === undefined || alg === algorithm) && keyFits(algorithm, key),
    );
    return named.length === 0 ? undefined : { keyId: kid, algorithms: new Set(named), key };
  } catch {
    return undefined;
  }
}

/**
 * Makes a private signing key as JWK, `kid` its RFC 7638 thumbprint.
 * @param algorithm ES256 unless told otherwise
 */
export async function generateSigningKey(algorithm = 'ES256'): Promise<PrivateJwk> {
  if (!isAlgorithm(algorithm)) throw new TypeError(`${algorithm} is not one of ${supportedAlgorithms.join(', ')}`);
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  if (jwk.kty === undefined || jwk.d === undefined) throw new TypeError('the generated key is not a private JWK');
  return { ...jwk, kty: jwk.kty, d: jwk.d, kid: await calculateJwkThumbprint(jwk), alg: algorithm, use: 'sig' };
}

const publicMembers = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use']);

/** The public half of a private JWK, as a JWKS publishes it. */
export function publicJwkOf(jwk: PrivateJwk): JWK & { kty: string; kid: string; alg: string } {
  const published = Object.fromEntries(Object.entries(jwk).filter(([member]) => publicMembers.has(member)));
  return { ...published, kty: jwk.kty, kid: jwk.kid, alg: jwk.alg };
}
