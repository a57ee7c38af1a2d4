import { type Bytes } from '#platform';
import { nodeHash, rootOf } from './tree.js';

/** The hash of a complete subtree of 2^`height` leaves. */
export interface Peak {
  readonly height: number;
  readonly hash: Bytes;
}

/** A run of complete subtrees, each pair of equal height joined: all that is needed to extend a tree. */
export class CompactRange {
  readonly #peaks: Peak[];

  constructor(peaks: readonly Peak[] = []) {
    this.#peaks = [...peaks];
  }

  /** Largest first. */
  get peaks(): readonly Peak[] {
    return this.#peaks;
  }

  /** Adds the next subtree; it must begin at a multiple of its width. */
  push(height: number, hash: Bytes): void {
    let joined: Peak = { height, hash };
    for (let last = this.#peaks.at(-1); last?.height === joined.height; last = this.#peaks.at(-1)) {
      this.#peaks.pop();
      joined = { height: joined.height + 1, hash: nodeHash(last.hash, joined.hash) };
    }
    this.#peaks.push(joined);
  }
}

/** The root over the peaks of a whole tree (RFC 9162, section 2.1.1); for no peaks, the hash of nothing. @param peaks largest first */
export function rootOfPeaks(peaks: readonly Peak[]): Bytes {
  return peaks.length === 0
    ? rootOf([])
    : peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right));
}
