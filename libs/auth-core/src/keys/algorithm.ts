import { type KeyObject } from 'node:crypto';

/** The algorithms that a verifier may accept (RFC 7518, section 3.1; RFC 8037). ES256 is what the issuer signs with by default. */
export const supportedAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;
export type Algorithm = (typeof supportedAlgorithms)[number];

export function isAlgorithm(value: unknown): value is Algorithm {
  return supportedAlgorithms.some((algorithm) => algorithm === value);
}

/** What names an algorithm in `alg`: RFC 9864's `Ed25519` is what RFC 8037 calls `EdDSA`. @returns nothing for one that is not supported */
export function algorithmOf(alg: unknown): Algorithm | undefined {
  if (isAlgorithm(alg)) return alg;
  return alg === 'Ed25519' ? 'EdDSA' : undefined;
}

/** RSA moduli of 2,048 to 4,096 bits: smaller ones are weak, larger ones let anyone who brings a key spend our time. */
const rsaSizeFits = (bits: number): boolean => bits >= 2_048 && bits <= 4_096;

/** Whether a key is of the type and size that the algorithm asks for (RFC 8725, section 3.1). */
export function keyFits(algorithm: Algorithm, key: KeyObject): boolean {
  switch (algorithm) {
    case 'ES256':
      return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    case 'EdDSA':
      return key.asymmetricKeyType === 'ed25519';
    case 'RS256':
    case 'PS256':
      return key.asymmetricKeyType === 'rsa' && rsaSizeFits(key.asymmetricKeyDetails?.modulusLength ?? 0);
  }
}
