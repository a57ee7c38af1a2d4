import { Inject, Injectable, Optional } from '@nestjs/common';
import { inTransaction, limitStatements, POOL, tryLock } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { allOf, anyOf, defaultLayout, type Direction, type IndexBits, type PostingsLayout } from './index-bits.js';

const POSTINGS_LAYOUT = Symbol('countersign.audit.postings-layout');

/** A field and a value of an event: the unit of the index. */
export interface Term {
  readonly field: string;
  readonly value: string;
}

/** An event matches a clause if it has any of its terms, and a search if it matches all of its clauses. */
export type Clause = readonly Term[];

/** Log indices from `low` (inclusive) to `high` (exclusive). */
export interface IndexRange {
  readonly low: bigint;
  readonly high: bigint;
}

/** A clause in the database: the hashes of its terms. */
export type HashedClause = readonly string[];

export interface SegmentMatch {
  readonly segment: number;
  readonly bits: IndexBits;
}

const bigintText = z.string().transform(BigInt);
const preparedRow = z.tuple([z.object({ through: bigintText, terms: z.array(z.string()) })]);
const postingRows = z.array(
  z.object({ segment: z.number(), term: z.string(), dense: z.boolean(), offsets: z.instanceof(Buffer) }),
);
const rangeRow = z.tuple([z.object({ ranges: z.string().nullable() })]);
const markRow = z.tuple([z.object({ mark: bigintText, next: bigintText, first: bigintText })]);
const countRows = z.array(z.object({ value: z.string(), count: z.string() }));
const longRows = z.array(z.object({ term: z.string(), offsets: z.instanceof(Buffer) }));

/** One replica indexes at a time. */
const LOCK = 'countersign.search-index';

const throughOf = `coalesce((select end_index from posting_span order by first_index desc limit 1), 0)`;

/** One step: each term of the events $1 ≤ log index < $2, in the segment $3 whose first index is $4. */
const addPostings = `
  with fresh as materialized (
    select (case when log_index - $4 < 32768 then log_index - $4 else log_index - $4 - 65536 end)::smallint as place, event.*
    from event where log_index >= $1 and log_index < $2
  ), carried as (
    select place, term from fresh, unnest(array[
      term_of('subject', subject), term_of('client', client_id), term_of('action', action), term_of('resource', resource),
      term_of('outcome', outcome), term_of('source', source), term_of('type', type), term_of('txn', txn), term_of('trace', trace_id),
      term_of('api_key', event #>> '{data,principal,api_key,id}')
    ]) as term where term is not null
    union all select distinct place, term_of('actor', actor) from fresh, unnest(actors) as actor
    union all select distinct place, term_of('word', word) from fresh, unnest(words_of(text_of(event))) as word
  )
  insert into posting (term, segment, offsets)
  select term, $3, string_agg(int2send(place), ''::bytea order by place) from carried group by term
  on conflict (term, segment) do update set offsets = posting.offsets || excluded.offsets`;

const addSpan = `
  insert into posting_span (first_index, end_index, min_time, max_time)
  select $1, $2, coalesce(min(time), 'infinity'), coalesce(max(time), '-infinity') from event where log_index >= $1 and log_index < $2`;

/** The inverted index of the log: for each term and segment, where the term occurs. Derived from `event`; it can be rebuilt at any time. */
@Injectable()
export class PostingsStore {
  readonly layout: PostingsLayout;

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Optional() @Inject(POSTINGS_LAYOUT) layout?: PostingsLayout,
  ) {
    this.layout = layout ?? defaultLayout;
  }

  /** How far the log is indexed (the first index that is not), and the clauses as the index has them. */
  async prepare(clauses: readonly Clause[]): Promise<{ through: bigint; clauses: readonly HashedClause[] }> {
    const terms = clauses.flat();
    const { rows } = await this.pool.query(
      `select ${throughOf}::text as through,
         array(select term_of(field, value)::text from unnest($1::text[], $2::text[]) with ordinality as t (field, value, n) order by n) as terms`,
      [terms.map(({ field }) => field), terms.map(({ value }) => value)],
    );
    const [{ through, terms: hashes }] = preparedRow.parse(rows);
    let at = 0;
    return { through, clauses: clauses.map(({ length }) => hashes.slice(at, (at += length))) };
  }

  /** The parts of the index, in order, that may contain events of a period; steps that only overlap it are included, so each event's own time still decides. */
  async rangesOfTime(from: Date | undefined, to: Date | undefined): Promise<readonly IndexRange[]> {
    const { rows } = await this.pool.query(
      `select range_agg(int8range(first_index, end_index))::text as ranges from posting_span
       where max_time >= coalesce($1::timestamptz, '-infinity') and min_time < coalesce($2::timestamptz, 'infinity')`,
      [from, to],
    );
    const [{ ranges }] = rangeRow.parse(rows);
    return [...(ranges ?? '').matchAll(/\[(\d+),(\d+)\)/g)].map(([, low = '0', high = '0']) => ({
      low: BigInt(low),
      high: BigInt(high),
    }));
  }

  /** The next segments, at most `count` of `first` to `last`, in which every clause occurs, with the indices at which all do. */
  async segments(
    clauses: readonly HashedClause[],
    { first, last, count, direction }: { first: number; last: number; count: number; direction: Direction },
  ): Promise<readonly SegmentMatch[]> {
    const values: unknown[] = [first, last, count, clauses.flat()];
    const having = clauses.map((clause) => {
      values.push(clause);
      return `(select segment from posting where term = any($${String(values.length)}::bigint[]) and segment between $1 and $2)`;
    });
    const order = direction === 'newest-first' ? 'desc' : 'asc';
    const { rows } = await this.pool.query(
      `with held as (${having.join(' intersect ')} order by segment ${order} limit $3)
       select segment, term::text, dense, offsets from held join posting using (segment) where term = any($4::bigint[])
       order by segment ${order}`,
      values,
    );
    const bySegment = Map.groupBy(postingRows.parse(rows), ({ segment }) => segment);
    return [...bySegment].map(([segment, postings]) => {
      const sets = clauses.map((clause) =>
        anyOf(
          postings.filter(({ term }) => clause.includes(term)),
          this.layout.segmentSize,
        ),
      );
      const [one = new Uint8Array(this.layout.segmentSize / 8), ...others] = sets;
      return { segment, bits: allOf([one, ...others]) };
    });
  }

  /** How many of the indexed events carry each value of a field. */
  async counts(field: string, values: readonly string[]): Promise<readonly { value: string; count: string }[]> {
    const { rows } = await this.pool.query(
      `select value, coalesce(sum(case when dense then bit_count(offsets) else length(offsets) / 2 end), 0)::text as count
       from unnest($2::text[]) as value left join posting on term = term_of($1, value) group by value`,
      [field, values],
    );
    return countRows.parse(rows);
  }

  /**
   * Indexes the next step of the log, if it is full.
   * @param patience maximum events that may stay unindexed
   * @returns how many events it took; while there were some, more may follow
   */
  async advance(patience = 0): Promise<number> {
    // Usually nothing is due, and one statement outside a transaction is enough to find out.
    if ((await this.#due(this.pool, BigInt(patience))) === undefined) return 0;
    return inTransaction(this.pool, (client) => this.#step(client, BigInt(patience)));
  }

  /** The step that is due, from `mark` to `end`, and the first log index that retention has left. */
  async #due(queries: pg.Pool | pg.PoolClient, patience: bigint) {
    const { rows } = await queries.query(
      `select ${throughOf}::text as mark, coalesce((select max(log_index) + 1 from event), 0)::text as next,
         coalesce((select min(log_index) from event), 0)::text as first`,
    );
    const [{ mark, next, first }] = markRow.parse(rows);
    const segmentSize = BigInt(this.layout.segmentSize);
    // If it is far behind, a whole segment is cheaper than its steps.
    const whole = mark % segmentSize === 0n && next >= mark + segmentSize;
    const end = mark + (whole ? segmentSize : BigInt(this.layout.stepSize));
    return next < end || next < mark + patience ? undefined : { mark, end, first };
  }

  async #step(client: pg.PoolClient, patience: bigint): Promise<number> {
    if (!(await tryLock(client, LOCK))) return 0;
    const due = await this.#due(client, patience);
    if (due === undefined) return 0;
    const { mark, end, first } = due;
    const segmentSize = BigInt(this.layout.segmentSize);
    const segment = mark / segmentSize;
    // No time limit: a step that is abandoned is tried again, and the index would never get past it.
    await limitStatements(client, 0);
    await client.query(addPostings, [mark, end, segment, segment * segmentSize]);
    await client.query(addSpan, [mark, end]);
    if (end % segmentSize === 0n) {
      await this.#seal(client, segment);
      // What retention has removed from the log is removed from the index too.
      await client.query('delete from posting where segment < $1', [first / segmentSize]);
    }
    return Number(end - mark);
  }

  /** A full segment never changes again: a list that would be longer than one bit per index becomes a bitmap. */
  async #seal(client: pg.PoolClient, segment: bigint): Promise<void> {
    const { rows } = await client.query(
      'select term::text, offsets from posting where segment = $1 and not dense and length(offsets) >= $2',
      [segment, this.layout.segmentSize / 8],
    );
    const long = longRows.parse(rows);
    await client.query(
      `update posting set dense = true, offsets = sealed.bits from unnest($2::bigint[], $3::bytea[]) as sealed (term, bits)
       where posting.term = sealed.term and segment = $1`,
      [
        segment,
        long.map(({ term }) => term),
        long.map(({ offsets }) => Buffer.from(anyOf([{ dense: false, offsets }], this.layout.segmentSize))),
      ],
    );
  }
}
