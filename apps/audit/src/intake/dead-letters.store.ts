import { Inject, Injectable, Optional } from '@nestjs/common';
import { LeafError } from '@countersign/merkle-log';
import { inTransaction, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { appendEvents, appendParameters } from '../log/append-events.store.js';
import { LogReach } from '../log/log-reach.js';
import { EVENT_MASKING, EventMasking } from '../masking/event-masking.js';
import { keepApart } from '../masking/masked-values.store.js';
import { inspectAgain, reasonOf } from './message-check.js';

const letterRows = z.array(
  z.object({
    position: z.string(),
    source: z.string().nullable(),
    sequence: z.string().nullable(),
    nats_subject: z.string(),
    reason: z.string(),
    payload: z.string(),
    received_at: z.date().transform((time) => time.toISOString()),
    replayed_at: z
      .date()
      .transform((time) => time.toISOString())
      .nullable(),
    erased_at: z
      .date()
      .transform((time) => time.toISOString())
      .nullable(),
  }),
);
const originalRows = z.tuple([z.object({ text: z.string() })]);
const unmaskedRows = z.array(z.object({ position: z.string(), payload: z.string() }));

/** A message that could not enter the trail, with the reason. */
export type DeadLetter = z.infer<typeof letterRows>[number];

export interface Replayed {
  readonly position: string;
  readonly log_index: string;
}

export type ReplayResult =
  | { readonly kind: 'replayed'; readonly letter: Replayed }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unknown' | 'replayed-before' | 'taken' | 'erased' };

const nextIndexRows = z.tuple([z.object({ next_index: z.string() })]);
const takenRows = z.tuple([z.object({ taken: z.boolean() })]);

/** Maximum erased by one statement: a large backlog would exceed the statement limit, and so never be erased. */
const ERASED_AT_ONCE = 200;

const erasePortion = `
  with portion as (
    update dead_letter set payload = '', original = null, subject = null, event_id = null, digest = null, erased_at = coalesce(erased_at, now())
    where position in (
      select position from dead_letter where position > $2 and received_at < $1 and payload <> '' order by dead_letter.position limit ${String(ERASED_AT_ONCE)})
    returning position
  )
  select position::text from portion order by portion.position`;

/** The same for the masked values of one event or one subject. */
const eraseMasked = (whose: 'event_id' | 'subject'): string => `
  with portion as (
    update dead_letter set original = null, digest = null, erased_at = now()
    where original is not null and position in (
      select position from dead_letter where ${whose} = $1 and position > $2 and original is not null
      order by dead_letter.position limit ${String(ERASED_AT_ONCE)})
    returning position
  )
  select position::text from portion order by portion.position`;

const positionRows = z.array(z.object({ position: z.string() }));

/** Dead letters waiting for a decision. */
export interface WaitingLetters {
  /** Counted up to {@link WAITING_LIMIT}. */
  readonly waiting: number;
  readonly oldest_at: string | null;
}

/** Maximum dead letters that are counted. */
export const WAITING_LIMIT = 10_000;

const waitingRow = z.tuple([
  z.object({
    waiting: z.number(),
    oldest_at: z
      .date()
      .transform((time) => time.toISOString())
      .nullable(),
  }),
]);

/** The dead letters in PostgreSQL. */
@Injectable()
export class DeadLetterStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Optional() @Inject(EVENT_MASKING) private readonly masking: EventMasking = new EventMasking([]),
    @Optional() @Inject(LogReach) private readonly reach: LogReach = new LogReach(),
  ) {}

  /** Those that were neither replayed nor erased. */
  async waiting(): Promise<WaitingLetters> {
    const { rows } = await this.pool.query(
      `select count(*)::int as waiting, min(received_at) as oldest_at
       from (select received_at from dead_letter where replayed_at is null and erased_at is null order by position limit $1) as letter`,
      [WAITING_LIMIT],
    );
    return waitingRow.parse(rows)[0];
  }

  /** @param after the position of the last one of the previous page */
  async list(after: string, limit: number): Promise<readonly DeadLetter[]> {
    const { rows } = await this.pool.query('select * from dead_letter where position > $1 order by position limit $2', [
      after,
      limit,
    ]);
    return letterRows.parse(rows);
  }

  /**
   * Permanently erases the masked values of one event's or subject's dead letters; their visible part stays.
   * @returns how many letters had something masked
   */
  erase(what: { readonly event: string } | { readonly subject: string }): Promise<number> {
    return 'event' in what
      ? this.#erase(eraseMasked('event_id'), what.event)
      : this.#erase(eraseMasked('subject'), what.subject);
  }

  /**
   * Erases the content of letters that arrived before the time; their record and reason stay.
   * @param signal ends it between two portions
   * @returns how many
   */
  eraseOlderThan(time: Date, signal?: AbortSignal): Promise<number> {
    return this.#erase(erasePortion, time, signal);
  }

  async #erase(portion: string, which: string | Date, signal?: AbortSignal): Promise<number> {
    let erased = 0;
    for (let after: string | undefined = '0'; after !== undefined && signal?.aborted !== true;) {
      const { rows } = await this.pool.query(portion, [which, after]);
      const positions = positionRows.parse(rows);
      erased += positions.length;
      after = positions.length < ERASED_AT_ONCE ? undefined : positions.at(-1)?.position;
    }
    return erased;
  }

  /** Masks a batch of dead letters from before masking existed. @returns how many it processed */
  async maskOlder(): Promise<number> {
    const { rows } = await this.pool.query(
      'select position::text, payload from dead_letter where not masked order by dead_letter.position limit 200',
    );
    const letters = unmaskedRows.parse(rows);
    for (const { position, payload } of letters) {
      const { shown, masked, subject, eventId } = this.masking.ofText(payload);
      await this.pool.query(
        `update dead_letter set payload = $2, original = $3, subject = $4, event_id = $5, masked = true where position = $1 and not masked`,
        [position, shown, masked ? payload : null, subject, eventId],
      );
    }
    return letters.length;
  }

  /**
   * Appends it to the log if intake accepts it now; it already has its place in the sequence.
   * @param record what commits together with it
   * @throws {LogWentBack}
   */
  replay(
    position: string,
    record: (client: pg.PoolClient, letter: Replayed) => Promise<unknown>,
  ): Promise<ReplayResult> {
    const work = async (client: pg.PoolClient): Promise<ReplayResult> => {
      const result = await this.#replayIn(client, position);
      if (result.kind === 'replayed') await record(client, result.letter);
      return result;
    };
    return inTransaction(this.pool, work, ({ kind }) => kind === 'replayed').catch((error: unknown) => {
      if (error instanceof LeafError) return { kind: 'rejected', reason: reasonOf(error) };
      throw error;
    });
  }

  async #replayIn(client: pg.PoolClient, position: string): Promise<ReplayResult> {
    const head = await client.query('select next_index::text from log_sequence for update');
    const [{ next_index: nextIndex }] = nextIndexRows.parse(head.rows);
    this.reach.check(BigInt(nextIndex));
    // Locked, so that an erasure cannot happen between reading and storing it.
    const found = await client.query('select * from dead_letter where position = $1 for update', [position]);
    const [letter] = letterRows.parse(found.rows);
    if (letter === undefined) return { kind: 'unknown' };
    if (letter.replayed_at !== null) return { kind: 'replayed-before' };
    if (letter.erased_at !== null) return { kind: 'erased' };
    const kept = await client.query('select coalesce(original, payload) as text from dead_letter where position = $1', [
      position,
    ]);
    const [{ text }] = originalRows.parse(kept.rows);
    const inspected = inspectAgain(letter.nats_subject, text);
    if (inspected.kind === 'dead-letter') return { kind: 'rejected', reason: inspected.reason };
    const { event, leaf } = inspected;
    const { rows } = await client.query(
      `select exists (select 1 from event where id = $1 or (source = $2 and sequence = $3))
         or ($4 and exists (select 1 from source_progress where source = $2 and known @> $3::bigint)) as taken`,
      [event.id, event.source, event.sequence, letter.sequence !== event.sequence],
    );
    const [{ taken }] = takenRows.parse(rows);
    if (taken || letter.sequence === null) return { kind: 'taken' };
    const { leaves, apart } = this.masking.apply([{ event, leaf }]);
    await client.query({ ...appendEvents, values: [...appendParameters(nextIndex, leaves, [])] });
    await keepApart(client, apart);
    await client.query('update dead_letter set replayed_at = now() where position = $1', [position]);
    return { kind: 'replayed', letter: { position, log_index: nextIndex } };
  }
}
