import { generateKeyPairSync, type KeyObject } from 'node:crypto';

/** The algorithms that are accepted by default, and that our own issuer signs with (RFC 7518, section 3.1; RFC 8037). */
export const supportedAlgorithms = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;
/** One of the {@link supportedAlgorithms}. */
export type Algorithm = (typeof supportedAlgorithms)[number];

/**
 * Every algorithm that a verifier can be configured to accept: the asymmetric ones of RFC 7518, section 3.1, Ed25519 of RFC 8037, and ML-DSA (FIPS
 * 204; RFC 9964), which needs Node 24.6.
 */
export const knownAlgorithms = [
  ...supportedAlgorithms,
  'ES384',
  'ES512',
  'RS384',
  'RS512',
  'PS384',
  'PS512',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const;
/** One of the {@link knownAlgorithms}. */
export type KnownAlgorithm = (typeof knownAlgorithms)[number];

const known: ReadonlyMap<unknown, KnownAlgorithm> = new Map<unknown, KnownAlgorithm>([
  ...knownAlgorithms.map((name) => [name, name] as const),
  ['Ed25519', 'EdDSA'],
]);

/** Whether it is one of the {@link supportedAlgorithms}. */
export function isAlgorithm(value: unknown): value is Algorithm {
  return supportedAlgorithms.some((algorithm) => algorithm === value);
}

/** Parses `alg`: `Ed25519` of RFC 9864 is `EdDSA` of RFC 8037. @returns undefined for an unknown one */
export function algorithmOf(alg: unknown): KnownAlgorithm | undefined {
  return known.get(alg);
}

/** Whether this runtime can verify the algorithm: ML-DSA came with Node 24.6. */
export function isAvailable(algorithm: KnownAlgorithm): boolean {
  if (!algorithm.startsWith('ML-DSA')) return true;
  try {
    generateKeyPairSync('ml-dsa-44');
    return true;
  } catch {
    return false;
  }
}

/** RSA moduli of 2,048 to 4,096 bits: smaller ones are weak, larger ones let an attacker's key consume our time. */
const rsaSizeFits = (bits: number): boolean => bits >= 2_048 && bits <= 4_096;

/** Whether a key has the type and size that the algorithm requires (RFC 8725, section 3.1). */
export function keyFits(algorithm: KnownAlgorithm, key: KeyObject): boolean {
  const type: string | undefined = key.asymmetricKeyType;
  const isOnCurve = (curve: string): boolean => type === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;
  switch (algorithm) {
    case 'ES256':
      return isOnCurve('prime256v1');
    case 'ES384':
      return isOnCurve('secp384r1');
    case 'ES512':
      return isOnCurve('secp521r1');
    case 'EdDSA':
      return type === 'ed25519';
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return type === algorithm.toLowerCase();
    case 'RS256':
    case 'RS384':
    case 'RS512':
    case 'PS256':
    case 'PS384':
    case 'PS512':
      return type === 'rsa' && rsaSizeFits(key.asymmetricKeyDetails?.modulusLength ?? 0);
  }
}
