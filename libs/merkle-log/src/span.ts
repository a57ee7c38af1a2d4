import { type Bytes } from '#platform';
import { nodeHash } from './tree.js';

/** The leaves from `first` up to, but excluding, `end`. */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** A complete subtree: the 2^`height` leaves that begin at `index` times 2^`height`. */
export interface Subtree {
  readonly height: number;
  readonly index: number;
}

/** Provides the hashes of complete subtrees. */
export interface SubtreeHashes {
  /** @throws whatever it throws for a subtree that it does not have */
  hashOf(subtree: Subtree): Bytes;
}

/**
 * The complete subtrees that a span is made of, largest first. The span must be a node of the tree: its start is a multiple
 * of a power of two at least as large as the span.
 */
export function subtreesOf({ first, end }: Span): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  for (let start = first; start < end;) {
    let height = 0;
    let width = 1;
    while (width * 2 <= end - start) {
      width *= 2;
      height += 1;
    }
    subtrees.push({ height, index: start / width });
    start += width;
  }
  return subtrees;
}

/** The Merkle tree hash of a span (RFC 9162, section 2.1.1), joined from its complete subtrees. @param span at least one leaf */
export function spanHash(span: Span, hashes: SubtreeHashes): Bytes {
  return subtreesOf(span)
    .map((subtree) => hashes.hashOf(subtree))
    .reduceRight((right, left) => nodeHash(left, right));
}

/**
 * The largest complete subtrees that together cover any leaves, left to right: at most two of a height. Every tree that extends to the
 * span's end has them as nodes.
 * @param passing tree sizes at which no subtree may straddle, so that the roots of these trees can be computed on the way
 */
export function coverOf({ first, end }: Span, passing: readonly number[] = []): readonly Subtree[] {
  const stops = [...passing.filter((size) => size > first && size < end).sort((one, other) => one - other), end];
  const subtrees: Subtree[] = [];
  let start = first;
  for (const stop of stops) {
    while (start < stop) {
      let height = 0;
      let width = 1;
      while (start % (width * 2) === 0 && start + width * 2 <= stop) {
        width *= 2;
        height += 1;
      }
      subtrees.push({ height, index: start / width });
      start += width;
    }
  }
  return subtrees;
}

/** The leaves of a complete subtree. */
export function spanOf({ height, index }: Subtree): Span {
  const width = 2 ** height;
  return { first: index * width, end: (index + 1) * width };
}
