import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { allOf, type IndexBits } from './index-bits.js';
import { PostingsStore, type Clause } from './postings.store.js';

/** Maximum segments of the index that are read for one count, the newest: 67 million events. */
const SEGMENTS_LIMIT = 4_096;
/** Segments read per query. */
const SEGMENTS_AT_ONCE = 128;

const outcomes = ['allowed', 'denied', 'failed'] as const;

/** How many events of an index step match, by outcome, and their time range (milliseconds since 1970). */
export interface StepCount {
  readonly minTime: number;
  readonly maxTime: number;
  readonly allowed: number;
  readonly denied: number;
  readonly failed: number;
}

const spanRows = z.array(
  z.object({
    first_index: z.coerce.bigint(),
    end_index: z.coerce.bigint(),
    min_time: z.date(),
    max_time: z.date(),
  }),
);
type Span = z.infer<typeof spanRows>[number];

const SET_BITS = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

/** The number of set bits in a range; the end is exclusive. */
export function bitsWithin(bits: IndexBits, low: number, high: number): number {
  let count = 0;
  for (let byte = low >> 3; byte < (high + 7) >> 3; byte += 1) {
    let rest = bits[byte] ?? 0;
    if (byte === low >> 3) rest &= 0xff << (low & 7);
    if (byte === high >> 3) rest &= 0xff >> (8 - (high & 7));
    count += SET_BITS[rest & 0xff] ?? 0;
  }
  return count;
}

/** Counts with the search index, without reading any events. */
@Injectable()
export class PostingsCounts {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(PostingsStore) private readonly postings: PostingsStore,
  ) {}

  /**
   * The steps that may contain events of a period, in order, with the matches in each.
   * @param below the log index (exclusive) up to which events are counted
   */
  async ofSteps(
    clauses: readonly Clause[],
    below: bigint,
    from: Date | undefined,
    to: Date | undefined,
  ): Promise<readonly StepCount[]> {
    const { rows } = await this.pool.query(
      `select first_index, end_index, min_time, max_time from posting_span
       where max_time >= coalesce($1::timestamptz, '-infinity') and min_time < coalesce($2::timestamptz, 'infinity')
         and isfinite(min_time) and isfinite(max_time) and first_index < $3 order by first_index`,
      [from, to, below],
    );
    const spans = spanRows.parse(rows);
    const size = BigInt(this.postings.layout.segmentSize);
    const bySegment = Map.groupBy(spans, ({ first_index: first }) => Number(first / size));
    const segments = [...bySegment.keys()].slice(-SEGMENTS_LIMIT);
    const counted: StepCount[] = [];
    for (let at = 0; at < segments.length; at += SEGMENTS_AT_ONCE) {
      const some = segments.slice(at, at + SEGMENTS_AT_ONCE);
      const matching = await this.#matching(clauses, some[0] ?? 0, some.at(-1) ?? 0);
      for (const segment of some) {
        const found = matching.map((bits) => bits.get(segment));
        for (const span of bySegment.get(segment) ?? [])
          counted.push(this.#stepOf(span, BigInt(segment) * size, below, found));
      }
    }
    return counted;
  }

  /** The matching indices for each outcome, by segment. */
  async #matching(clauses: readonly Clause[], first: number, last: number): Promise<readonly Map<number, IndexBits>[]> {
    const wanted = outcomes.map((value): Clause => [{ field: 'outcome', value }]);
    const { clauses: hashed } = await this.postings.prepare([...clauses, ...wanted]);
    const common = hashed.slice(0, clauses.length);
    const range = { first, last, count: last - first + 1, direction: 'oldest-first' } as const;
    const shared =
      common.length === 0
        ? undefined
        : new Map((await this.postings.segments(common, range)).map(({ segment, bits }) => [segment, bits]));
    return Promise.all(
      hashed.slice(clauses.length).map(async (clause) => {
        const found = await this.postings.segments([clause], range);
        return new Map(
          found.flatMap(({ segment, bits }): [number, IndexBits][] => {
            if (shared === undefined) return [[segment, bits]];
            const also = shared.get(segment);
            return also === undefined ? [] : [[segment, allOf([bits, also])]];
          }),
        );
      }),
    );
  }

  #stepOf(span: Span, base: bigint, below: bigint, found: readonly (IndexBits | undefined)[]): StepCount {
    const low = Number(span.first_index - base);
    const high = Number((span.end_index < below ? span.end_index : below) - base);
    const [allowed = 0, denied = 0, failed = 0] = found.map((bits) =>
      bits === undefined ? 0 : bitsWithin(bits, low, high),
    );
    return {
      minTime: span.min_time.getTime(),
      maxTime: span.max_time.getTime(),
      allowed,
      denied,
      failed,
    };
  }
}
