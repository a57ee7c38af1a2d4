import { equal } from '#platform';
import { isHash, nodeHash, rootOf, splitPoint } from './tree.js';
import { type Span } from './span.js';

/** Maximum hashes in a proof: the height of the largest tree that a safe integer can count. */
export const PROOF_LENGTH_LIMIT = 53;

/**
 * The nodes of an inclusion proof (RFC 9162, section 2.1.3.1), from the leaf's sibling up to the root's child.
 * @param index 0-based, below `size`
 */
export function inclusionSpans(index: number, size: number): readonly Span[] {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`there is no leaf ${String(index)} in a tree of ${String(size)}`);
  }
  const spans: Span[] = [];
  let first = 0;
  let end = size;
  while (end - first > 1) {
    const middle = first + splitPoint(end - first);
    if (index < middle) {
      spans.push({ first: middle, end });
      end = middle;
    } else {
      spans.push({ first, end: middle });
      first = middle;
    }
  }
  return spans.reverse();
}

/**
 * The nodes of a consistency proof (RFC 9162, section 2.1.4.1). Nothing to prove (equal sizes, or from an empty tree): no nodes.
 * @param older size of the older tree, at most `newer`
 */
export function consistencySpans(older: number, newer: number): readonly Span[] {
  if (!Number.isSafeInteger(newer) || !Number.isSafeInteger(older) || older < 0 || older > newer) {
    throw new RangeError(`a tree of ${String(older)} cannot grow into one of ${String(newer)}`);
  }
  if (older === 0 || older === newer) return [];
  const spans: Span[] = [];
  let first = 0;
  let end = newer;
  while (older !== end) {
    const middle = first + splitPoint(end - first);
    if (older <= middle) {
      spans.push({ first: middle, end });
      end = middle;
    } else {
      spans.push({ first, end: middle });
      first = middle;
    }
  }
  // The last part of the older tree; the verifier already knows it if it is the whole older tree.
  if (first > 0) spans.push({ first, end });
  return spans.reverse();
}

const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;
const EMPTY_ROOT = rootOf([]);

/**
 * Whether the proof leads from the leaf to the root (RFC 9162, section 2.1.3.2).
 * @param leaf its leaf hash
 * @returns false also for a leaf, root or proof whose hashes are not 32 bytes
 */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  if (![leaf, root, ...proof].every(isHash)) return false;
  let node = index;
  let last = size - 1;
  let hash: Uint8Array = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else hash = nodeHash(hash, sibling);
    node = half(node);
    last = half(last);
  }
  return last === 0 && equal(hash, root);
}

/**
 * Whether the newer tree begins with all of the older one (RFC 9162, section 2.1.4.2). Every tree begins with the empty one, so for size 0
 * the only thing to prove is that the older root is the empty tree's.
 * @returns false also for roots or a proof whose hashes are not 32 bytes
 */
export function verifyConsistency(
  older: number,
  newer: number,
  olderRoot: Uint8Array,
  newerRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(newer) || !Number.isSafeInteger(older) || older < 0 || older > newer) return false;
  if (![olderRoot, newerRoot, ...proof].every(isHash)) return false;
  if (older === 0 && !equal(olderRoot, EMPTY_ROOT)) return false;
  if (older === newer) return proof.length === 0 && equal(olderRoot, newerRoot);
  if (older === 0) return proof.length === 0;
  let node = older - 1;
  let last = newer - 1;
  while (isOdd(node)) {
    node = half(node);
    last = half(last);
  }
  // If the older size is a power of two, the older tree is itself the first node.
  const [start, ...rest] = node === 0 ? [olderRoot, ...proof] : proof;
  if (start === undefined) return false;
  let olderHash: Uint8Array = start;
  let newerHash: Uint8Array = start;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      olderHash = nodeHash(sibling, olderHash);
      newerHash = nodeHash(sibling, newerHash);
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else newerHash = nodeHash(newerHash, sibling);
    node = half(node);
    last = half(last);
  }
  return last === 0 && equal(olderHash, olderRoot) && equal(newerHash, newerRoot);
}
