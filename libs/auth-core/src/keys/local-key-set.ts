import { type Algorithm } from '../jws/signature.js';
import { publicKeyOf, thumbprintOf, type Jwk, type VerificationKey } from './jwk.js';

/** Keys that a local set may hold. */
export const LOCAL_KEYS_LIMIT = 100;

/**
 * Keys known beforehand, such as a client's registered JWKS (RFC 7591, `jwks`). Making key objects costs more than a signature: make a set
 * once per client and keep it until the client's keys change.
 */
export class LocalKeySet {
  readonly #keys = new Map<string, VerificationKey>();

  /**
   * @param jwks public JWKs; one without `kid` goes by its RFC 7638 thumbprint, one that is not understood or private is left out
   * @throws {RangeError} for more than 100 keys
   */
  constructor(jwks: readonly Jwk[]) {
    if (jwks.length > LOCAL_KEYS_LIMIT)
      throw new RangeError(`a key set has ${String(LOCAL_KEYS_LIMIT)} keys at the most`);
    for (const jwk of jwks) {
      const key = publicKeyOf(jwk);
      if (key === undefined) continue;
      const keyId = typeof jwk['kid'] === 'string' && jwk['kid'] !== '' ? jwk['kid'] : thumbprintOf(jwk);
      this.#keys.set(keyId, { ...key, keyId });
    }
  }

  get size(): number {
    return this.#keys.size;
  }

  /**
   * @param keyId the header's `kid`; without one, the set's only key for the algorithm is meant
   * @returns nothing when there is no such key, or without `kid` more than one
   */
  find(keyId: string | undefined, algorithm: Algorithm): VerificationKey | undefined {
    if (keyId !== undefined) return this.#keys.get(keyId);
    const fitting = [...this.#keys.values()].filter(({ algorithms }) => algorithms.has(algorithm));
    return fitting.length === 1 ? fitting[0] : undefined;
  }
}
