import { createHash } from 'node:crypto';
import { decodeBase64url } from '../jws/base64url.js';
import { parseCompactJws } from '../jws/compact-jws.js';
import { isObject, parseJsonObject } from '../json-object.js';
import { signatureVerifies } from '../jws/signature.js';
import { algorithmOf, supportedAlgorithms, type KnownAlgorithm } from '../keys/algorithm.js';
import { publicKeyOf, thumbprintOf, type PublicKey } from '../keys/jwk.js';
import { TokenError } from '../token-error.js';
import { accessTokenHash } from './create-dpop-proof.js';
import { targetUri } from './target-uri.js';

/** What a proof must be for (RFC 9449, section 4.3). */
export interface DpopExpectation {
  /** The method of the request that carried the proof. */
  readonly method: string;
  /** The URL of that request as the caller sees it: scheme, host and path from outside any proxy. */
  readonly url: string;
  /** The token that came with the proof: its hash must be the proof's `ath`. Omitted at the token endpoint. */
  readonly accessToken?: string | undefined;
  /** The `cnf.jkt` of that token: the proof's key must have this thumbprint. */
  readonly thumbprint?: string | undefined;
  /** The nonce that the proof must carry (RFC 9449, section 8); any or none when omitted. */
  readonly nonce?: string | undefined;
  /** Accepted signature algorithms; ES256, EdDSA, RS256 and PS256 by default. */
  readonly algorithms?: readonly KnownAlgorithm[] | undefined;
  /** Seconds after its `iat` for which a proof is valid: 1 to 300, 60 by default. */
  readonly lifetimeSeconds?: number | undefined;
  /** Tolerated clock difference in seconds: 0 to 5, 5 by default. */
  readonly clockToleranceSeconds?: number | undefined;
  /** Seconds since 1970. */
  readonly now: number;
}

/** What a valid proof says. */
export interface DpopProof {
  /** RFC 7638 thumbprint of the key that signed it: what a token is bound to as `cnf.jkt`. */
  readonly thumbprint: string;
  /** The proof's identity for a {@link DpopReplayStore}: 43 characters, unique to each proof. */
  readonly replayId: string;
  /** Seconds since 1970 when the proof becomes too old. */
  readonly expiresAt: number;
  readonly nonce: string | undefined;
}

interface ProofKey extends PublicKey {
  readonly algorithm: KnownAlgorithm;
  readonly thumbprint: string;
}

const KEYS_KEPT = 1_000;
const proofKeys = new Map<string, ProofKey>();

const refuse = (detail: string): never => {
  throw new TokenError('DPOP_PROOF_INVALID', detail);
};

/** A client's proofs share their header, and importing its key costs as much as the signature: each distinct header is parsed once. */
function proofKeyOf(segment: string): ProofKey {
  const known = proofKeys.get(segment);
  if (known !== undefined) return known;
  const { typ, alg, jwk, crit } = parseJsonObject(decodeBase64url(segment));
  if (typ !== 'dpop+jwt') return refuse('typ');
  if (crit !== undefined) return refuse('crit');
  const algorithm = algorithmOf(alg);
  if (algorithm === undefined) return refuse('alg');
  if (!isObject(jwk)) return refuse('jwk');
  const key = publicKeyOf(jwk);
  if (key === undefined) return refuse('jwk');
  if (!key.algorithms.has(algorithm)) return refuse('alg does not match jwk');
  const proofKey = { ...key, algorithm, thumbprint: thumbprintOf(jwk) };
  if (proofKeys.size >= KEYS_KEPT) proofKeys.clear();
  if (segment.length <= 2_048) proofKeys.set(segment, proofKey);
  return proofKey;
}

function checked(proof: string, expected: DpopExpectation): DpopProof {
  const { lifetimeSeconds = 60, clockToleranceSeconds = 5, algorithms = supportedAlgorithms } = expected;
  const { payload, signature, signingInput } = parseCompactJws(proof);
  const { algorithm, thumbprint, key } = proofKeyOf(proof.slice(0, proof.indexOf('.')));
  if (!algorithms.includes(algorithm)) return refuse('alg');
  if (!signatureVerifies(algorithm, key, signingInput, signature)) return refuse('signature');
  const { jti, htm, htu, iat, ath, nonce, exp, nbf } = parseJsonObject(payload);
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) return refuse('jti');
  if (htm !== expected.method) return refuse('htm');
  const target = targetUri(expected.url);
  if (typeof htu !== 'string' || target === undefined || targetUri(htu) !== target) return refuse('htu');
  if (typeof iat !== 'number' || !Number.isFinite(iat) || iat < 0) return refuse('iat');
  const expiresAt = iat + Math.min(Math.max(lifetimeSeconds, 1), 300) + clockToleranceSeconds;
  if (expected.now >= expiresAt || expected.now < iat - clockToleranceSeconds) return refuse('iat');
  if (exp !== undefined && !(typeof exp === 'number' && expected.now < exp + clockToleranceSeconds))
    return refuse('exp');
  if (nbf !== undefined && !(typeof nbf === 'number' && expected.now >= nbf - clockToleranceSeconds))
    return refuse('nbf');
  if (nonce !== undefined && typeof nonce !== 'string') return refuse('nonce');
  if (expected.nonce !== undefined && nonce !== expected.nonce) return refuse('nonce');
  if (expected.accessToken !== undefined && ath !== accessTokenHash(expected.accessToken)) return refuse('ath');
  if (expected.thumbprint !== undefined && thumbprint !== expected.thumbprint) return refuse('thumbprint');
  const replayId = createHash('sha256').update(`${thumbprint} ${jti}`).digest('base64url');
  return { thumbprint, replayId, expiresAt, nonce };
}

/**
 * Verifies the value of a `DPoP` header (RFC 9449, section 4.3): form, `typ`, algorithm, a public `jwk`, signature, `htm`, `htu`, age, `ath` and the
 * key's thumbprint. Pure: to enforce single use, pass `replayId` and `expiresAt` to a {@link DpopReplayStore}.
 * @throws {TokenError} `DPOP_PROOF_INVALID`, its detail naming what was wrong
 */
export function verifyDpopProof(proof: string, expected: DpopExpectation): DpopProof {
  try {
    return checked(proof, expected);
  } catch (error) {
    if (!(error instanceof TokenError) || error.code === 'DPOP_PROOF_INVALID') throw error;
    throw new TokenError('DPOP_PROOF_INVALID', error.detail ?? error.code);
  }
}
