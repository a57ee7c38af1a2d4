import type pg from 'pg';
import { z } from 'zod';
import { type EventBatch, type NumberedEvent } from './event-batch.js';
import { withNumber } from './fast/event-number.js';
import { KeptEventsStore } from './kept-events.store.js';
import { overlap, without, type Range } from './ranges.js';
import { type Place } from './receipts.js';
import {
  countWaiting,
  dueEvents,
  markPublished,
  numberEvents,
  placeEvents,
  renumberEvents,
  waitingEvents,
} from './relay-statements.js';

/** Milliseconds after which the relay asks for a place that should have arrived before the receipt: its sender or its receiver ended. */
const ASK_PLACE_AFTER_MS = 5_000;

/**
 * Milliseconds for which the relay only remembers that a batch was published. The receipt usually arrives sooner, and the rows are deleted without
 * having been rewritten for the mark.
 */
const MARK_AFTER_MS = 2_000;

const LOCK = 'countersign.audit-relay';

interface Lines {
  readonly runs: Buffer | null;
  readonly events: Buffer | null;
}

const lockRow = z.tuple([z.object({ held: z.boolean() })]);
const waitingRow = z.tuple([z.object({ unnumbered: z.boolean(), any: z.boolean() })]);
const countRow = z.tuple([z.object({ count: z.coerce.number() })]);
const renumberRow = z.tuple([z.object({ renumbered: z.boolean() })]);

/** The driver reuses a response's memory, so each value is copied once. */
const asBytes = { binary: true, types: { getTypeParser: () => (value: Buffer) => Buffer.from(value) } };

const LINE_BREAK = 10;

/** Events as they were read, and the ranges of those that share a row. */
interface ReadEvents {
  readonly events: readonly NumberedEvent[];
  readonly groups: readonly Range[];
}

function eventsOf({ rows: [row] }: pg.QueryResult<Lines>): ReadEvents {
  const events: NumberedEvent[] = [];
  const groups: Range[] = [];
  const { runs, events: lines } = row ?? {};
  if (runs == null || lines == null) return { events, groups };
  let start = 0;
  for (const run of runs.toString().split(',')) {
    const [number, count] = run.split(':');
    const first = BigInt(number ?? '');
    const after = first + BigInt(count ?? '');
    for (let sequence = first; sequence < after; sequence += 1n) {
      const end = lines.indexOf(LINE_BREAK, start);
      const line = lines.subarray(start, end === -1 ? lines.length : end);
      start += line.length + 1;
      events.push({ sequence, json: withNumber(line, sequence) });
    }
    if (count !== '1') groups.push({ first, last: after - 1n });
  }
  return { events, groups };
}

interface Noted extends Range {
  /** As the clock tells. */
  readonly at: number;
}

/** The outbox, as seen by the one relay that holds its lock, over the connection that holds the lock. */
export class RelayStore {
  /** What is kept of events that left the outbox. */
  readonly kept: KeptEventsStore;
  /** The highest number assigned over this connection: while it holds the lock, the counter is not below it. */
  #given = 0n;
  /** Nothing published remains up to this position. */
  #released = 0n;
  /** What was published and is not marked yet, oldest first; of a group all or nothing. */
  #noted: readonly Noted[] = [];
  /** Groups that were read and whose publication is not reported yet. */
  #read: readonly Range[] = [];

  /**
   * @param keepHours hours for which an event is kept with its place once it is in the log; 0 keeps none
   * @param clock in milliseconds; only differences count
   */
  constructor(
    private readonly client: pg.ClientBase,
    private readonly source: string,
    private readonly keepHours: number,
    private readonly clock = () => performance.now(),
  ) {
    this.kept = new KeptEventsStore(client, keepHours);
  }

  /** @returns whether this connection holds the lock now; one at a time does */
  async lock(): Promise<boolean> {
    const text = 'select pg_try_advisory_lock(hashtext($1)) as held';
    const { rows } = await this.client.query(text, [LOCK]);
    const [{ held }] = lockRow.parse(rows);
    if (!held) return false;
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
   * published again. A group counts as published once all its messages are.
   */
  published(batches: readonly EventBatch[], refused: readonly EventBatch[] = []): void {
    const at = this.clock();
    const incomplete = this.#read.filter((group) => refused.some((batch) => overlap(group, batch)));
    this.#read = [];
    const noted = batches.map(({ first, last }) => ({ first, last, at }));
    this.#noted = [...this.#noted, ...without(noted, incomplete)];
  }

  /** Whether there is something to number, and whether there is anything: what is published stays until it is in the log. */
  async waiting(): Promise<{ readonly unnumbered: boolean; readonly any: boolean }> {
    const { rows } = await this.client.query(waitingEvents);
    return waitingRow.parse(rows)[0];
  }

  /** Numbers the oldest unnumbered events and returns them. */
  async number(): Promise<readonly NumberedEvent[]> {
    const { aged, values } = this.#toMark(MARK_AFTER_MS);
    const result = await this.client.query<Lines>({ ...numberEvents, ...asBytes, values: [...values, this.source] });
    this.#forgetNoted(aged);
    const events = this.#eventsOf(result);
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
    const events = this.#eventsOf(await this.client.query<Lines>({ ...dueEvents, ...asBytes, values }));
    // Once published, they may remain below what was released.
    if (events.length > 0) this.#released = 0n;
    return events;
  }

  #eventsOf(result: pg.QueryResult<Lines>): readonly NumberedEvent[] {
    const { events, groups } = eventsOf(result);
    this.#read = [...this.#read, ...groups];
    return events;
  }

  /**
   * Removes what a receipt covers, or renumbers if the receipt shows that the counter is too old.
   * @param minimumAgeMs minimum age in milliseconds. If audit sends places, an event waits for its own
   */
  async release(through: bigint, minimumAgeMs: number): Promise<void> {
    if (await this.#renumber(through)) return;
    const first = minimumAgeMs === 0 ? this.#released + 1n : 1n;
    await this.#remove([{ first: String(first), last: String(through), index: null }], minimumAgeMs);
    if (minimumAgeMs === 0) this.#forgetNoted([{ first: 0n, last: through }]);
    this.#released = through;
  }

  /** Removes events that are known to be in the log, and keeps them with their places. */
  async place(places: readonly Place[]): Promise<void> {
    const ranges = places.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) }));
    const highest = ranges.reduce((known, { last }) => (last > known ? last : known), 0n);
    if (await this.#renumber(highest)) return;
    await this.#remove(places, 0);
    this.#forgetNoted(ranges);
  }

  /** Marks what was noted. @param afterMs minimum age in milliseconds */
  async mark(afterMs = 0): Promise<void> {
    const { aged, values } = this.#toMark(afterMs);
    if (aged.length === 0) return;
    await this.client.query({ ...markPublished, values: [...values] });
    this.#forgetNoted(aged);
  }

  /** @returns how many events wait; counting stops at a hundred thousand rows of a table */
  async count(): Promise<number> {
    const { rows } = await this.client.query(countWaiting);
    return countRow.parse(rows)[0].count;
  }

  async #remove(places: readonly Place[], minimumAgeMs: number): Promise<void> {
    await this.client.query({
      ...placeEvents,
      values: [
        places.map(({ first }) => first),
        places.map(({ last }) => last),
        places.map(({ index }) => index),
        places.map(({ salts }) => (salts === undefined ? null : JSON.stringify(salts))),
        this.keepHours > 0,
        this.#notedRanges(),
        minimumAgeMs,
        places.map(({ known }) => known ?? null),
      ],
    });
  }

  /** @returns whether the counter was older than what audit knows: then these events' numbers belong to other events there */
  async #renumber(known: bigint): Promise<boolean> {
    if (known <= this.#given) return false;
    const { rows } = await this.client.query(renumberEvents, [this.source, known]);
    const [{ renumbered }] = renumberRow.parse(rows);
    if (!renumbered) return false;
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

  #forgetNoted(over: readonly Range[]): void {
    this.#noted = without(this.#noted, over);
  }

  /** In PostgreSQL's multirange syntax. */
  #notedRanges(): string {
    return `{${this.#noted.map(({ first, last }) => `[${String(first)},${String(last)}]`).join(',')}}`;
  }
}
