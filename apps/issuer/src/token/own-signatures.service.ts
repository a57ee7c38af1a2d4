import { Inject, Injectable } from '@nestjs/common';
import { TokenError } from '@countersign/auth-core';
import {
  isAlgorithm,
  parseCompactJws,
  parseJsonObject,
  signatureVerifies,
  verificationKeyOf,
  type JsonObject,
  type VerificationKey,
} from '@countersign/auth-core/jws';
import { SIGNING_KEYS, type SigningKeys } from '../registry/key-set.js';

/** What one of this issuer's keys signed. Nothing of its claims is checked. */
export interface OwnSignature {
  readonly keyId: string;
  /** The header's `typ`. */
  readonly type: string | undefined;
  readonly claims: JsonObject;
}

/** Reads tokens of any type that come back to the issuer. */
@Injectable()
export class OwnSignatures {
  readonly #keySets = new WeakMap<object, ReadonlyMap<string, VerificationKey>>();

  constructor(@Inject(SIGNING_KEYS) private readonly keys: SigningKeys) {}

  /** @returns undefined for what no key that is still published has signed */
  read(token: string): OwnSignature | undefined {
    try {
      const { header, payload, signature, signingInput } = parseCompactJws(token);
      const { alg, kid, typ, crit } = header;
      if (!isAlgorithm(alg) || typeof kid !== 'string' || crit !== undefined) return undefined;
      if (typ !== undefined && typeof typ !== 'string') return undefined;
      const key = this.#keySet().get(kid);
      if (key?.algorithms.has(alg) !== true || !signatureVerifies(alg, key.key, signingInput, signature))
        return undefined;
      return { keyId: kid, type: typ, claims: parseJsonObject(payload) };
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }

  /** Making key objects costs more than a signature: they are kept for as long as the same keys are published. */
  #keySet(): ReadonlyMap<string, VerificationKey> {
    const { published } = this.keys;
    const known = this.#keySets.get(published);
    if (known !== undefined) return known;
    const made = new Map<string, VerificationKey>();
    for (const jwk of published) {
      const key = verificationKeyOf({ ...jwk });
      if (key !== undefined) made.set(key.keyId, key);
    }
    this.#keySets.set(published, made);
    return made;
  }
}
