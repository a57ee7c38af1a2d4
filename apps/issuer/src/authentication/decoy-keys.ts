import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { type Algorithm } from '@countersign/auth-core/jws';

const decoys = new Map<'ES256' | 'EdDSA' | 'RSA', KeyObject>();

const RSA_BYTES = 256;

/** Verifying with a random modulus takes as long as with a real one, and nobody has its private key. Finding primes would delay each start by a random time. */
function rsaDecoy(): KeyObject {
  const modulus = randomBytes(RSA_BYTES);
  modulus[0] = (modulus[0] ?? 0) | 0x80;
  modulus[RSA_BYTES - 1] = (modulus[RSA_BYTES - 1] ?? 0) | 1;
  return createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: 'AQAB', n: modulus.toString('base64url') } });
}

/** A key that belongs to nobody, so that an unknown client or key costs the same work as a known one. */
export function decoyKey(algorithm: Algorithm): KeyObject {
  const kind = algorithm === 'ES256' || algorithm === 'EdDSA' ? algorithm : 'RSA';
  const known = decoys.get(kind);
  if (known !== undefined) return known;
  const publicKey =
    kind === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey
      : kind === 'EdDSA'
        ? generateKeyPairSync('ed25519').publicKey
        : rsaDecoy();
  decoys.set(kind, publicKey);
  return publicKey;
}

/** Creates the decoys at startup, so that the first guess at a client's name does not take longer. */
export function prepareDecoys(algorithms: readonly Algorithm[]): void {
  for (const algorithm of algorithms) decoyKey(algorithm);
}
