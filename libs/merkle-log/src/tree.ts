import { copyOf, sha256, sha256OfPair, type Bytes } from '#platform';

const LEAF = Uint8Array.of(0x00);
const NODE = 0x01;

/** Bytes of a hash: the log hashes with SHA-256 only. */
export const HASH_LENGTH = 32;

/** Whether these bytes can be a hash of the log. Anything else is refused wherever hashes are accepted: hashed data must be unambiguous. */
export function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_LENGTH;
}

function requireHash(bytes: Uint8Array): void {
  if (!isHash(bytes)) throw new RangeError(`a hash has ${String(HASH_LENGTH)} bytes, not ${String(bytes.length)}`);
}

/** SHA-256 of 0x00 and the entry (RFC 9162, section 2.1.1). @param entry the leaf's bytes */
export function leafHash(entry: Uint8Array): Bytes {
  return sha256(LEAF, entry);
}

/** SHA-256 of 0x01 and both children (RFC 9162, section 2.1.1). @throws {RangeError} for children that are not 32 bytes */
export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  requireHash(left);
  requireHash(right);
  return sha256OfPair(NODE, left, right);
}

/** The largest power of two below `size`: where a tree of that size is split. @param size at least 2 */
export function splitPoint(size: number): number {
  let point = 1;
  while (point * 2 < size) point *= 2;
  return point;
}

/**
 * The root of a tree over leaf hashes (RFC 9162, section 2.1.1).
 * @param leaves leaf hashes in the log's order; an empty list gives the hash of nothing
 * @throws {RangeError} for leaves that are not 32 bytes
 */
export function rootOf(leaves: readonly Uint8Array[]): Bytes {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) {
    requireHash(first);
    return copyOf(first);
  }
  const split = splitPoint(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}
