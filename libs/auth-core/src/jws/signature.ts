import { constants, verify, type KeyObject } from 'node:crypto';

/** The algorithms that a verifier may accept (RFC 7518, section 3.1; RFC 8037). ES256 is what the issuer signs with by default. */
export const supportedAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;
export type Algorithm = (typeof supportedAlgorithms)[number];

export function isAlgorithm(value: unknown): value is Algorithm {
  return typeof value === 'string' && supportedAlgorithms.some((algorithm) => algorithm === value);
}

function derInteger(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const padded = (digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
  return Buffer.concat([Buffer.of(0x02, padded.length), padded]);
}

/** ECDSA's raw r‖s (RFC 7518, section 3.4) as DER: handing node:crypto DER is 25 µs a call cheaper than naming the raw encoding. */
export function rawToDer(signature: Buffer): Buffer {
  const body = Buffer.concat([derInteger(signature.subarray(0, 32)), derInteger(signature.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

/** Whether a key is of the type and size that the algorithm asks for (RFC 8725, section 3.1). */
export function keyFits(algorithm: Algorithm, key: KeyObject): boolean {
  switch (algorithm) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    case 'EdDSA':
      return key.asymmetricKeyType === 'ed25519';
    case 'RS256':
    case 'PS256':
      return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  }
}

/** @returns whether the signature over the input verifies; a signature of a wrong length never does */
export function signatureVerifies(algorithm: Algorithm, key: KeyObject, input: string, signature: Buffer): boolean {
  const data = Buffer.from(input, 'latin1');
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
