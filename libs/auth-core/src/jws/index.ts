// The primitives under the verifier, for the issuer, which verifies client assertions with the same strictness; no face for teams.
export {
  decodeBase64url,
  isObject,
  parseCompactJws,
  parseJsonObject,
  type CompactJws,
  type JsonObject,
} from './compact-jws.js';
export { isAlgorithm, keyFits, signatureVerifies, supportedAlgorithms, type Algorithm } from './signature.js';
export { verificationKeyOf, type VerificationKey } from '../keys/jwk.js';
export { RemoteKeySet, type RemoteKeySetOptions } from '../keys/remote-key-set.js';
