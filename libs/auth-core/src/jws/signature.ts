import { constants, verify, type KeyObject } from 'node:crypto';
import { type KnownAlgorithm } from '../keys/algorithm.js';
import { rawToDer } from './fast/ecdsa-encoding.js';

/** Padding of RSASSA-PSS, its salt as long as the hash (RFC 7518, section 3.5). */
export const pss = (key: KeyObject, saltLength: number) =>
  ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }) as const;
/** ECDSA's r‖s as JWS has it. For P-256 our own conversion is quicker; on the larger curves the arithmetic takes so long that it does not matter. */
export const raw = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' }) as const;

/** RSASSA-PSS with a signature as long as the modulus (RFC 8017, section 8.1.2); OpenSSL takes one without its leading zeros too. */
function pssVerifies(hash: string, saltLength: number, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return signature.length === Math.ceil(bits / 8) && verify(hash, data, pss(key, saltLength), signature);
}

/** @returns whether the signature over the bytes verifies; a signature of a wrong length never does */
export function bytesVerify(algorithm: KnownAlgorithm, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  switch (algorithm) {
    case 'ES256':
      return signature.length === 64 && verify('sha256', data, key, rawToDer(signature));
    case 'EdDSA':
      return signature.length === 64 && verify(null, data, key, signature);
    case 'RS256':
      return verify('sha256', data, key, signature);
    case 'PS256':
      return pssVerifies('sha256', 32, key, data, signature);
    case 'ES384':
      return signature.length === 96 && verify('sha384', data, raw(key), signature);
    case 'ES512':
      return signature.length === 132 && verify('sha512', data, raw(key), signature);
    case 'RS384':
      return verify('sha384', data, key, signature);
    case 'RS512':
      return verify('sha512', data, key, signature);
    case 'PS384':
      return pssVerifies('sha384', 48, key, data, signature);
    case 'PS512':
      return pssVerifies('sha512', 64, key, data, signature);
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return verify(null, data, key, signature);
  }
}

/** Like {@link bytesVerify}, over a signing input (RFC 7515, section 5.2). */
export function signatureVerifies(
  algorithm: KnownAlgorithm,
  key: KeyObject,
  input: string,
  signature: Buffer,
): boolean {
  return bytesVerify(algorithm, key, Buffer.from(input, 'latin1'), signature);
}
