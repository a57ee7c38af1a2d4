import { isObject, parseJsonObject } from '../json-object.js';
import { verificationKeyOf, type KeyPurpose } from './jwk.js';
import { KeySet } from './key-set.js';

/** Maximum bytes of a JWKS document. */
export const JWKS_SIZE_LIMIT = 256 * 1024;
/** Maximum keys of a document that are read. */
const JWKS_KEYS_LIMIT = 100;

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** A byte order mark has no meaning in UTF-8; parsers of JSON may ignore it (RFC 8259, section 8.1). */
function withoutMark(document: Buffer): Buffer {
  const isMarked = document.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return isMarked ? document.subarray(BYTE_ORDER_MARK.length) : document;
}

/**
 * Reads a key set (RFC 7517, section 5); unknown keys are skipped.
 * @throws {Error} when it is not a key set, or holds no key that can be used
 */
export function keysOfDocument(document: Buffer, purpose: KeyPurpose = 'sig'): KeySet {
  const { keys } = parseJsonObject(withoutMark(document));
  const listed: readonly unknown[] = Array.isArray(keys) ? keys : [];
  const known = listed
    .slice(0, JWKS_KEYS_LIMIT)
    .map((jwk) => (isObject(jwk) ? verificationKeyOf(jwk, purpose) : undefined))
    .filter((key) => key !== undefined);
  if (known.length === 0) throw new Error('the JWKS has no usable key');
  return new KeySet(known);
}
