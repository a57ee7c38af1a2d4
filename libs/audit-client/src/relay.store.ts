import type pg from 'pg';
import { type EventBatch, type NumberedEvent } from './event-batch.js';
import { KeptEventsStore } from './kept-events.store.js';
import { type Place } from './receipts.js';

/** Maximum events that one poll of the outbox takes. */
export const ROUND = 512;

/** Milliseconds after which the relay asks for a place that should have arrived before the receipt: its sender or its receiver ended. */
const ASK_PLACE_AFTER_MS = 5_000;

/**
 * Milliseconds for which the relay only remembers that a batch was published. The receipt usually arrives sooner, and the rows are deleted without
 * having been rewritten for the mark.
 */
const MARK_AFTER_MS = 2_000;

const LOCK = 'countersign.audit-relay';

/**
 * An event with its number in it. Text is joined to text, because merging two JSON objects costs as much as the rest of the line; and it is cut as
 * bytes, because cutting text counts its characters one by one, which costs as much again.
 */
const numbered = `
  case when event ? 'sequence' or event = '{}' then (event || jsonb_build_object('sequence', sequence::text))::text
    else '{"sequence": "' || sequence || '", ' || convert_from(substr(convert_to(event::text, 'UTF8'), 2), 'UTF8') end`;

/**
 * The events as lines: PostgreSQL's JSON contains no line break, and one row costs the client less than hundreds. They are passed on as bytes,
 * because the relay does not read them.
 */
const lines = `
  string_agg(sequence::text, ',' order by sequence) as sequences,
  string_agg(${numbered}, E'\n' order by sequence) as events`;

/** By first and last number, and milliseconds since they were published. */
const markPublished = `
  update audit_outbox set published_at = now() - batch.age * interval '1 millisecond'
  from unnest($1::bigint[], $2::bigint[], $3::float8[]) as batch (first, last, age) where sequence between batch.first and batch.last`;

/** Marked as published, or noted: `parameter` is a multirange of numbers. */
const isPublished = (parameter: string): string =>
  `(published_at is not null or sequence <@ ${parameter}::int8multirange)`;

/**
 * Marks what was published a while ago, numbers the events that have no number yet, without gaps, and reads these; one statement, so all of it or
 * nothing.
 */
const numberEvents = {
  name: 'relay-number',
  text: `
    with marked as (
      ${markPublished}
    ), next as (
      select position, row_number() over (order by position) as rank, count(*) over () as total
      from (select position from audit_outbox where sequence is null order by position limit ${String(ROUND)}) as unnumbered
    ), counter as (
      insert into audit_sequence (source, last) select $4, max(total) from next having count(*) > 0
      on conflict (source) do update set last = audit_sequence.last + excluded.last
      returning last
    ), numbered as (
      update audit_outbox set sequence = counter.last - next.total + next.rank
      from next, counter where audit_outbox.position = next.position
      returning sequence, event
    )
    select ${lines} from numbered`,
};

const dueEvents = `
  select ${lines} from (
    select sequence, event from audit_outbox
    where sequence is not null and not sequence <@ $4::int8multirange
      and (published_at is null or published_at < now() - $1 * interval '1 millisecond'
        or (sequence <= $2 and published_at < now() - $3 * interval '1 millisecond'))
    order by sequence limit ${String(ROUND)}) as due`;

/**
 * A receipt beyond the last assigned number means that the counter is older than the numbers that audit has seen (the database was restored from a
 * backup). Events numbered below it are renumbered, above every number that audit knows.
 */
const renumberEvents = `
  with ahead as (
    insert into audit_sequence (source, last) values ($1, $2)
    on conflict (source) do update set last = excluded.last where audit_sequence.last < excluded.last
    returning source
  )
  update audit_outbox set sequence = null, published_at = null where sequence is not null and exists (select 1 from ahead)`;

/** Stores what left the outbox (`gone`), one row for each unbroken run of events; stores nothing when events are not to be kept. */
const keepGone = (kept: string): string => `
    insert into audit_kept (first_sequence, last_sequence, first_index, events, salts)
    select min(sequence), max(sequence), min(log_index),
      string_agg(${numbered}, E'\n' order by sequence), salts
    from (select *, sequence - row_number() over (partition by first order by sequence) as run from gone) as gone
    where ${kept} group by first, run, salts`;

/** A receipt can only refer to what was published. */
const releaseEvents = {
  name: 'relay-release',
  text: `
    with gone as (
      delete from audit_outbox
      where sequence > $1 and sequence <= $2 and ${isPublished('$5')} and created_at <= now() - $3 * interval '1 millisecond'
      returning sequence, event, null::bigint as log_index, null::jsonb as salts, 0 as first
    )
    ${keepGone('$4')}`,
};

const placeEvents = {
  name: 'relay-place',
  text: `
    with place as (
      select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::jsonb[]) as place (first, last, index, salts)
    ), gone as (
      delete from audit_outbox using place where sequence between first and last and ${isPublished('$6')}
      returning sequence, event, index + sequence - first as log_index, salts, first
    )
    ${keepGone('$5')}`,
};

interface Lines {
  readonly sequences: Buffer | null;
  readonly events: Buffer | null;
}

/** The driver uses the memory of an answer again, so each value is copied, once. */
const asBytes = { binary: true, types: { getTypeParser: () => (value: Buffer) => Buffer.from(value) } };

const LINE_BREAK = 10;

function eventsOf({ rows: [row] }: pg.QueryResult<Lines>): readonly NumberedEvent[] {
  const { sequences, events } = row ?? {};
  if (sequences == null || events == null) return [];
  let start = 0;
  return sequences
    .toString()
    .split(',')
    .map((sequence) => {
      const end = events.indexOf(LINE_BREAK, start);
      const json = events.subarray(start, end === -1 ? events.length : end);
      start += json.length + 1;
      return { sequence: BigInt(sequence), json };
    });
}

interface Noted {
  readonly first: bigint;
  readonly last: bigint;
  /** As the clock tells. */
  readonly at: number;
}

/** The outbox, as seen by the one relay that holds its lock, over the connection that holds the lock. */
export class RelayStore {
  /** What is kept of events that left the outbox. */
  readonly kept: KeptEventsStore;
  /** The highest number assigned over this connection: while it holds the lock, the counter is not below it. */
  #given = 0n;
  /** Nothing published is left up to this position. */
  #released = 0n;
  /** What was published and is not marked yet, oldest first. */
  #noted: readonly Noted[] = [];

  /**
   * @param keepHours hours for which an event is kept with its place once it is in the log; 0 keeps none
   * @param clock in milliseconds; only differences count
   */
  constructor(
    private readonly client: pg.PoolClient,
    private readonly source: string,
    private readonly keepHours: number,
    private readonly clock = () => performance.now(),
  ) {
    this.kept = new KeptEventsStore(client, keepHours);
  }

  /** @returns whether this connection holds the lock now; one at a time does */
  async lock(): Promise<boolean> {
    const text = 'select pg_try_advisory_lock(hashtext($1)) as held';
    const { rows } = await this.client.query<{ held: boolean }>(text, [LOCK]);
    if (rows[0]?.held !== true) return false;
    // An outbox is small but its table is not: deleted rows remain as dead rows until a vacuum, and statistics taken at the wrong moment make
    // PostgreSQL read all of them (200 MB, every second) instead of using an index.
    await this.client.query('set enable_seqscan = off');
    return true;
  }

  async unlock(): Promise<void> {
    await this.client.query('reset enable_seqscan');
    await this.client.query('select pg_advisory_unlock(hashtext($1))', [LOCK]);
  }

  /**
   * Notes what the stream has acknowledged. It is marked two seconds later, unless a receipt has removed it by then. After a crash before that, it is
   * published again.
   */
  published(batches: readonly EventBatch[]): void {
    const at = this.clock();
    this.#noted = [...this.#noted, ...batches.map(({ first, last }) => ({ first, last, at }))];
  }

  /** Numbers the oldest unnumbered events and returns them. */
  async number(): Promise<readonly NumberedEvent[]> {
    const { aged, values } = this.#toMark(MARK_AFTER_MS);
    const result = await this.client.query<Lines>({ ...numberEvents, ...asBytes, values: [...values, this.source] });
    this.#forgetNoted((one) => aged.includes(one));
    const events = eventsOf(result);
    this.#given = events.at(-1)?.sequence ?? this.#given;
    return events;
  }

  /**
   * Numbered events that are due to be published again: the stream refused them, no receipt came within the given milliseconds, or one came
   * (`through`) without the place.
   */
  async due(republishAfterMs: number, through: bigint): Promise<readonly NumberedEvent[]> {
    const askAfterMs = Math.min(republishAfterMs, ASK_PLACE_AFTER_MS);
    await this.mark(Math.min(askAfterMs, MARK_AFTER_MS));
    const values = [republishAfterMs, through, askAfterMs, this.#notedRanges()];
    const events = eventsOf(await this.client.query<Lines>({ text: dueEvents, ...asBytes, values }));
    // Once published, they may remain below what was released.
    if (events.length > 0) this.#released = 0n;
    return events;
  }

  /**
   * Removes what a receipt covers, or renumbers if the receipt shows that the counter is too old.
   * @param minimumAgeMs minimum age in milliseconds. If audit sends places, an event waits for its own
   */
  async release(through: bigint, minimumAgeMs: number): Promise<void> {
    if (await this.#renumber(through)) return;
    const after = minimumAgeMs === 0 ? this.#released : 0n;
    const values = [after, through, minimumAgeMs, this.keepHours > 0, this.#notedRanges()];
    await this.client.query({ ...releaseEvents, values });
    if (minimumAgeMs === 0) this.#forgetNoted(({ last }) => last <= through);
    this.#released = through;
  }

  /** Removes events that are known to be in the log, and keeps them with their places. */
  async place(places: readonly Place[]): Promise<void> {
    const highest = places.reduce((known, { last }) => (BigInt(last) > known ? BigInt(last) : known), 0n);
    if (await this.#renumber(highest)) return;
    await this.client.query({
      ...placeEvents,
      values: [
        places.map(({ first }) => first),
        places.map(({ last }) => last),
        places.map(({ index }) => index),
        places.map(({ salts }) => (salts === undefined ? null : JSON.stringify(salts))),
        this.keepHours > 0,
        this.#notedRanges(),
      ],
    });
    this.#forgetNoted((one) =>
      places.some(({ first, last }) => BigInt(first) <= one.first && one.last <= BigInt(last)),
    );
  }

  /** Marks what was noted. @param afterMs minimum age in milliseconds */
  async mark(afterMs = 0): Promise<void> {
    const { aged, values } = this.#toMark(afterMs);
    if (aged.length === 0) return;
    await this.client.query(markPublished, [...values]);
    this.#forgetNoted((one) => aged.includes(one));
  }

  /** @returns how many events wait; counting stops at a hundred thousand */
  async count(): Promise<number> {
    const { rows } = await this.client.query<{ count: string }>(
      'select count(*) from (select 1 from audit_outbox limit 100000) as waiting',
    );
    return Number(rows[0]?.count ?? 0);
  }

  /** @returns whether the counter was older than what audit knows: then these events' numbers belong to other events there */
  async #renumber(known: bigint): Promise<boolean> {
    if (known <= this.#given) return false;
    const { rowCount } = await this.client.query(renumberEvents, [this.source, known]);
    if ((rowCount ?? 0) === 0) return false;
    this.#noted = [];
    return true;
  }

  /** What was noted so many milliseconds ago or earlier, with the parameters by which it is marked. */
  #toMark(afterMs: number): { readonly aged: readonly Noted[]; readonly values: readonly (readonly unknown[])[] } {
    const now = this.clock();
    const aged = this.#noted.filter(({ at }) => now - at >= afterMs);
    const values = [aged.map(({ first }) => first), aged.map(({ last }) => last), aged.map(({ at }) => now - at)];
    return { aged, values };
  }

  #forgetNoted(isOver: (one: Noted) => boolean): void {
    this.#noted = this.#noted.filter((one) => !isOver(one));
  }

  /** As PostgreSQL reads a multirange. */
  #notedRanges(): string {
    return `{${this.#noted.map(({ first, last }) => `[${String(first)},${String(last)}]`).join(',')}}`;
  }
}
