import { createHash } from 'node:crypto';

const LEAF = Buffer.of(0x00);
const NODE = Buffer.of(0x01);

/** SHA-256 of 0x00 and the entry (RFC 9162, section 2.1.1). @param entry the leaf's bytes */
export function leafHash(entry: Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(entry).digest();
}

/** SHA-256 of 0x01 and both children (RFC 9162, section 2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

/** The largest power of two below `size`: where a tree of that size is split. @param size at least 2 */
export function splitPoint(size: number): number {
  let point = 1;
  while (point * 2 < size) point *= 2;
  return point;
}

/**
 * The root of a tree over leaf hashes (RFC 9162, section 2.1.1).
 * @param leaves leaf hashes in the log's order; none gives the hash of nothing
 */
export function rootOf(leaves: readonly Uint8Array[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return Buffer.from(first);
  const split = splitPoint(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)));
}
