import { type LocalKeySet } from '../keys/local-key-set.js';
import { TokenError } from '../token-error.js';
import { parseCompactJws, parseJsonObject, type CompactJws, type JsonObject } from './compact-jws.js';
import { isAlgorithm, signatureVerifies, supportedAlgorithms, type Algorithm } from './signature.js';

export interface SignedJwtExpectation {
  /** Accepted signature algorithms; ES256, EdDSA, RS256 and PS256 by default. */
  readonly algorithms?: readonly Algorithm[];
  /** Accepted `typ` values, compared without regard to case; any or none when left out. */
  readonly types?: readonly string[];
}

/**
 * A signed JWT that is not an access token: a client assertion (RFC 7523), for one. Read first, so that its claims tell whose keys to look
 * for; then verified by those. It checks form, algorithm, `typ`, `crit` and signature; what the claims must say is the caller's to check.
 */
export class SignedJwt {
  readonly #jws: CompactJws;
  readonly #claims: JsonObject;

  /**
   * Reads without verifying: one JWS in compact serialisation, strict base64url and JSON, 8 KiB at the most.
   * @throws {TokenError} `TOKEN_TOO_LARGE`, `TOKEN_MALFORMED`
   */
  constructor(jwt: string) {
    this.#jws = parseCompactJws(jwt);
    this.#claims = parseJsonObject(this.#jws.payload);
  }

  /** What it says of itself: good for finding the keys, and for nothing else before {@link verify}. */
  get unverifiedClaims(): JsonObject {
    return this.#claims;
  }

  /**
   * @param keys the keys of the one whom the claims name
   * @returns the claims, signed by one of the keys
   * @throws {TokenError} `ALG_NOT_ALLOWED`, `TYP_NOT_ALLOWED`, `CRIT_NOT_SUPPORTED`, `KEY_UNKNOWN`, `KEY_MISMATCH`, `SIGNATURE_INVALID`
   */
  verify(keys: LocalKeySet, { algorithms = supportedAlgorithms, types }: SignedJwtExpectation = {}): JsonObject {
    const { header, signature, signingInput } = this.#jws;
    const { alg, typ, kid, crit } = header;
    if (!isAlgorithm(alg) || !algorithms.includes(alg)) throw new TokenError('ALG_NOT_ALLOWED');
    if (types !== undefined && !types.some((type) => type.toLowerCase() === String(typ).toLowerCase()))
      throw new TokenError('TYP_NOT_ALLOWED');
    if (crit !== undefined) throw new TokenError('CRIT_NOT_SUPPORTED');
    if (kid !== undefined && typeof kid !== 'string') throw new TokenError('TOKEN_MALFORMED', 'kid');
    const key = keys.find(kid, alg);
    if (key === undefined) throw new TokenError('KEY_UNKNOWN');
    if (!key.algorithms.has(alg)) throw new TokenError('KEY_MISMATCH');
    if (!signatureVerifies(alg, key.key, signingInput, signature)) throw new TokenError('SIGNATURE_INVALID');
    return this.#claims;
  }
}
