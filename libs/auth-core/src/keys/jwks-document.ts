import { isObject, parseJsonObject } from '../jws/json-object.js';
import { verificationKeyOf, type VerificationKey } from './jwk.js';

/** Bytes that a JWKS document may have at the most. */
export const JWKS_SIZE_LIMIT = 256 * 1024;
/** Keys of a document that are looked at. */
export const JWKS_KEYS_LIMIT = 100;

/**
 * Reads a key set (RFC 7517, section 5); keys that are not understood are left out.
 * @returns the keys by `kid`
 * @throws {Error} when it is no key set, or holds no key that can be used
 */
export function keysOfDocument(document: Buffer): ReadonlyMap<string, VerificationKey> {
  const { keys } = parseJsonObject(document);
  const known = new Map<string, VerificationKey>();
  for (const jwk of (Array.isArray(keys) ? keys : []).slice(0, JWKS_KEYS_LIMIT)) {
    const key = isObject(jwk) ? verificationKeyOf(jwk) : undefined;
    if (key !== undefined) known.set(key.keyId, key);
  }
  if (known.size === 0) throw new Error('the JWKS holds no usable key');
  return known;
}
