/** How the search index divides the log. */
export interface PostingsLayout {
  /** Log indices that share a segment; a multiple of 8. */
  readonly segmentSize: number;
  /** Events indexed per step; divides the segment size, so that a step lies within one segment. */
  readonly stepSize: number;
}
export const defaultLayout: PostingsLayout = { segmentSize: 16_384, stepSize: 2_048 };

/** Where a term occurs within one segment: offsets of two bytes each, or, if dense, one bit for each index of the segment. */
export interface Posting {
  readonly dense: boolean;
  readonly offsets: Buffer;
}

/** One bit for each log index of a segment. */
export type IndexBits = Uint8Array;

export type Direction = 'newest-first' | 'oldest-first';

/** @returns the indices at which any of the postings occurs */
export function anyOf(postings: readonly Posting[], segmentSize: number): IndexBits {
  const bits = new Uint8Array(segmentSize / 8);
  for (const { dense, offsets } of postings) {
    if (dense) {
      for (let byte = 0; byte < bits.length; byte += 1) bits[byte] = (bits[byte] ?? 0) | (offsets[byte] ?? 0);
    } else {
      for (let at = 0; at + 1 < offsets.length; at += 2) {
        const offset = offsets.readUInt16BE(at);
        bits[offset >> 3] = (bits[offset >> 3] ?? 0) | (1 << (offset & 7));
      }
    }
  }
  return bits;
}

/** @returns the indices at which all of the sets occur */
export function allOf(sets: readonly [IndexBits, ...IndexBits[]]): IndexBits {
  const [first, ...others] = sets;
  const bits = Uint8Array.from(first);
  for (const other of others) {
    for (let byte = 0; byte < bits.length; byte += 1) bits[byte] = (bits[byte] ?? 0) & (other[byte] ?? 0);
  }
  return bits;
}

/** The log indices of a segment's bits, in order. @param base the segment's first log index */
export function* indexesOf(bits: IndexBits, base: bigint, direction: Direction): Generator<bigint> {
  const last = bits.length * 8 - 1;
  for (let step = 0; step <= last; step += 1) {
    const offset = direction === 'oldest-first' ? step : last - step;
    const byte = bits[offset >> 3] ?? 0;
    if (byte === 0) step += direction === 'oldest-first' ? 7 - (offset & 7) : offset & 7;
    else if ((byte & (1 << (offset & 7))) !== 0) yield base + BigInt(offset);
  }
}
