import { type KnownAlgorithm } from './algorithm.js';
import { type VerificationKey } from './jwk.js';

/** Maximum keys that are tried for one signature, when several have the same `kid`. Each costs a verification. */
export const CANDIDATES_LIMIT = 4;

const NONE: readonly VerificationKey[] = Object.freeze([]);

/** Verification keys of a JWK set: several may have the same `kid` (RFC 7517, section 4.5). */
export class KeySet {
  readonly #byKeyId = new Map<string, readonly VerificationKey[]>();

  /** @param all every key, in the set's order */
  constructor(readonly all: readonly VerificationKey[] = NONE) {
    for (const key of all) this.#byKeyId.set(key.keyId, [...this.withKeyId(key.keyId), key]);
  }

  /** Every key of a `kid`, in the set's order. */
  withKeyId(keyId: string): readonly VerificationKey[] {
    return this.#byKeyId.get(keyId) ?? NONE;
  }

  /**
   * The keys that may have made a signature: their type and `alg` match.
   * @param keyId the `kid` that the signature names; without one every key is considered
   * @returns at most {@link CANDIDATES_LIMIT}
   */
  candidates(algorithm: KnownAlgorithm, keyId: string | undefined): readonly VerificationKey[] {
    const named = keyId === undefined ? this.all : this.withKeyId(keyId);
    return named.filter(({ algorithms }) => algorithms.has(algorithm)).slice(0, CANDIDATES_LIMIT);
  }

  /** Whether the very same key is in this set, under the same `kid` and for no fewer algorithms. */
  holds({ keyId, thumbprint, algorithms }: VerificationKey): boolean {
    return this.withKeyId(keyId).some(
      (own) => own.thumbprint === thumbprint && [...algorithms].every((algorithm) => own.algorithms.has(algorithm)),
    );
  }
}
