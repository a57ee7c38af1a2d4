import { indexesOf, type Direction } from './index-bits.js';
import { type HashedClause, type IndexRange, type PostingsStore } from './postings.store.js';

/** Maximum log indices that one walk proposes, and maximum rounds through the index; then it ends early and says where to continue. */
const PROPOSED_LIMIT = 20_000;
const ROUND_LIMIT = 64;
/** Maximum log indices proposed at once. */
const GROUP_LIMIT = 1_000;
/** Maximum segments of the index that one round reads, and the range in which it searches for them. */
const SEGMENTS_A_ROUND = 64;
const SEGMENTS_IN_SIGHT = 4_096;

/** One walk through the postings: proposes log indices in order, group by group, within its limits. */
export class PostingsWalk {
  /** Set if a limit ended the walk: everything up to and including this log index has been proposed. */
  stoppedAt: bigint | undefined;
  #proposed = 0;
  #rounds = 0;

  constructor(
    private readonly postings: Pick<PostingsStore, 'layout' | 'segments'>,
    private readonly clauses: readonly HashedClause[],
    private readonly direction: Direction,
  ) {}

  /** Proposes the log indices of the range at which every clause's hash occurs. @param wanted the size of the first group */
  async *within(range: IndexRange, wanted: number): AsyncGenerator<readonly bigint[]> {
    let waiting: bigint[] = [];
    let group = wanted;
    for await (const index of this.#indexes(range)) {
      waiting.push(index);
      this.#proposed += 1;
      if (this.#proposed >= PROPOSED_LIMIT) {
        this.stoppedAt = index;
        break;
      }
      if (waiting.length < group) continue;
      yield waiting;
      waiting = [];
      group = Math.min(group * 2, GROUP_LIMIT);
    }
    if (waiting.length > 0) yield waiting;
  }

  async *#indexes({ low, high }: IndexRange): AsyncGenerator<bigint> {
    const size = BigInt(this.postings.layout.segmentSize);
    const newestFirst = this.direction === 'newest-first';
    let first = Number(low / size);
    let last = Number((high - 1n) / size);
    for (let count = 2; first <= last; count = Math.min(count * 4, SEGMENTS_A_ROUND)) {
      const sight = newestFirst
        ? { first: Math.max(first, last - SEGMENTS_IN_SIGHT + 1), last }
        : { first, last: Math.min(last, first + SEGMENTS_IN_SIGHT - 1) };
      const found = await this.postings.segments(this.clauses, { ...sight, count, direction: this.direction });
      for (const { segment, bits } of found) {
        for (const index of indexesOf(bits, BigInt(segment) * size, this.direction)) {
          if (index >= low && index < high) yield index;
        }
      }
      const end = found.length < count ? (newestFirst ? sight.first : sight.last) : (found.at(-1)?.segment ?? last);
      if (newestFirst) last = end - 1;
      else first = end + 1;
      this.#rounds += 1;
      if (this.#rounds >= ROUND_LIMIT && first <= last) {
        this.stoppedAt = newestFirst ? BigInt(end) * size : BigInt(end + 1) * size - 1n;
        return;
      }
    }
  }
}
