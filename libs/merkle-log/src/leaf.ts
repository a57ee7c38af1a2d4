import { sha256OfText, utf8Length, type Bytes } from '#platform';
import { CanonicalJsonError, canonicalJson } from './canonical-json.js';

/** Maximum bytes that a leaf may have. A bundle's entry is length-prefixed by 16 bits; half of that leaves room and keeps bundles small. */
export const LEAF_SIZE_LIMIT = 32 * 1024;

/** The log's entry for an event. */
export interface Leaf {
  /** The event's canonical JSON (RFC 8785): the bytes that are hashed. */
  readonly json: string;
  /** RFC 9162's leaf hash of these bytes. */
  readonly hash: Bytes;
}

/** Thrown for a value that cannot be a leaf. */
export class LeafError extends Error {
  constructor(
    readonly code: 'LEAF_NOT_JSON' | 'LEAF_TOO_LARGE',
    message: string,
  ) {
    super(message);
    this.name = 'LeafError';
  }
}

/**
 * The leaf of a JSON value: canonical JSON (RFC 8785) and its hash (RFC 9162, section 2.1.1). The same value always gives the same bytes, however
 * it was written or stored in between.
 * @throws {LeafError} `LEAF_NOT_JSON` for a value that JSON cannot represent (lone surrogates, NaN, nothing, more than 64 levels), `LEAF_TOO_LARGE`
 */
export function leafOf(value: unknown): Leaf {
  let json: string;
  try {
    json = canonicalJson(value);
  } catch (error) {
    if (error instanceof CanonicalJsonError) throw new LeafError('LEAF_NOT_JSON', error.message);
    throw error;
  }
  return leafOfCanonical(json);
}

/**
 * The leaf of text that is already canonical JSON; the caller guarantees that.
 * @param json well-formed text
 * @throws {LeafError} `LEAF_TOO_LARGE`
 */
export function leafOfCanonical(json: string): Leaf {
  const size = utf8Length(json);
  if (size > LEAF_SIZE_LIMIT) {
    throw new LeafError('LEAF_TOO_LARGE', `${String(size)} bytes; the limit is ${String(LEAF_SIZE_LIMIT)}`);
  }
  // In UTF-8 the character U+0000 is the byte 0x00 that RFC 9162 puts before a leaf.
  return { json, hash: sha256OfText(`\u0000${json}`) };
}
