/**
 * `@countersign/auth-core/jws`: the parts that the verifier is built on, for a service that verifies signed JWTs other than access tokens with the
 * same strictness and speed. The issuer verifies client assertions (RFC 7523) with them. Key objects are created once per key, by {@link
 * verificationKeyOf}, and kept by the caller; {@link signatureVerifies} is then one call of `node:crypto`.
 */
export { boundedBody } from '../bounded-body.js';
export { decodeBase64url } from './base64url.js';
export { principalOfClaims, type Expected } from './claims.js';
export { parseCompactJws, type CompactJws, type ProtectedHeader } from './compact-jws.js';
export { isObject, parseJsonObject, type JsonObject } from '../json-object.js';
export { signatureVerifies } from './signature.js';
export { TokenReader } from './token-reader.js';
export { algorithmOf, isAlgorithm, keyFits, type Algorithm, type KnownAlgorithm } from '../keys/algorithm.js';
export { mayBeUsedTo, verificationKeyOf, type KeyPurpose, type VerificationKey } from '../keys/jwk.js';
export { CANDIDATES_LIMIT, KeySet } from '../keys/key-set.js';
export { Discovery, type DiscoveryOptions } from '../keys/discovery.js';
export { type KeySource } from '../keys/key-source.js';
export { RemoteKeySet, type RemoteKeySetOptions } from '../keys/remote-key-set.js';
