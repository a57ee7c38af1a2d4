import { constants, verify, type KeyObject } from 'node:crypto';
import { type Algorithm } from '../keys/algorithm.js';
import { rawToDer } from './ecdsa-encoding.js';

/** @returns whether the signature over the bytes verifies; a signature of a wrong length never does */
export function bytesVerify(algorithm: Algorithm, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  switch (algorithm) {
    case 'ES256':
      return signature.length === 64 && verify('sha256', data, key, rawToDer(signature));
    case 'EdDSA':
      return signature.length === 64 && verify(null, data, key, signature);
    case 'RS256':
      return verify('sha256', data, key, signature);
    case 'PS256':
      return verify('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature);
  }
}

/** As {@link bytesVerify}, over a signing input (RFC 7515, section 5.2). */
export function signatureVerifies(algorithm: Algorithm, key: KeyObject, input: string, signature: Buffer): boolean {
  return bytesVerify(algorithm, key, Buffer.from(input, 'latin1'), signature);
}
