import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { type Algorithm } from '@countersign/auth-core/jws';

const decoys = new Map<'ES256' | 'EdDSA' | 'RSA', KeyObject>();

const RSA_BYTES = 256;

/**
 * A 2048-bit public key of RSA that has no private one. To verify with it costs what it costs with any other: a modulus of the usual size, odd.
 * Finding two primes for it takes 30 to 400 ms of a start.
 */
function rsaDecoy(): KeyObject {
  const modulus = randomBytes(RSA_BYTES);
  // As great as a real one's: else some signatures would be refused for their size, without the work.
  modulus.writeUInt8(modulus.readUInt8(0) | 0xc0, 0);
  modulus.writeUInt8(modulus.readUInt8(RSA_BYTES - 1) | 1, RSA_BYTES - 1);
  return createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' });
}

/** A key of nobody's, so that an unknown client or key costs the same work as a known one. */
export function decoyKey(algorithm: Algorithm): KeyObject {
  const kind = algorithm === 'ES256' || algorithm === 'EdDSA' ? algorithm : 'RSA';
  const known = decoys.get(kind);
  if (known !== undefined) return known;
  const key =
    kind === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey
      : kind === 'EdDSA'
        ? generateKeyPairSync('ed25519').publicKey
        : rsaDecoy();
  decoys.set(kind, key);
  return key;
}

/** Creates the decoys at start: the first guess at a client's name must not be the one that pays for them. */
export function prepareDecoys(algorithms: readonly Algorithm[]): void {
  for (const algorithm of algorithms) decoyKey(algorithm);
}
