import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { inspectAgain } from './border.js';
import { appendParameters, appendEvents } from './append-events.js';

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
  }),
);

/** What no trail could take, with the reason. */
export type DeadLetter = z.infer<typeof letterRows>[number];

export interface Replayed {
  readonly position: string;
  readonly log_index: string;
}

export type ReplayResult =
  | { readonly kind: 'replayed'; readonly letter: Replayed }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unknown' | 'replayed-before' | 'taken' };

const nextIndexRows = z.tuple([z.object({ next_index: z.string() })]);
const takenRows = z.tuple([z.object({ taken: z.boolean() })]);

/** The dead letters in PostgreSQL. */
@Injectable()
export class DeadLetterStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  /** @param after the position of the last one of the page before */
  async list(after: string, limit: number): Promise<readonly DeadLetter[]> {
    const { rows } = await this.pool.query('select * from dead_letter where position > $1 order by position limit $2', [
      after,
      limit,
    ]);
    return letterRows.parse(rows);
  }

  /** Appends it to the log if the border takes it now; its place in the sequence it has already. */
  async replay(position: string): Promise<ReplayResult> {
    const client = await this.pool.connect();
    let broken = false;
    try {
      await client.query('begin');
      const result = await this.#replayIn(client, position);
      await client.query(result.kind === 'replayed' ? 'commit' : 'rollback');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => (broken = true));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #replayIn(client: pg.PoolClient, position: string): Promise<ReplayResult> {
    const head = await client.query('select next_index::text from log_sequence for update');
    const [{ next_index: nextIndex }] = nextIndexRows.parse(head.rows);
    const found = await client.query('select * from dead_letter where position = $1', [position]);
    const [letter] = letterRows.parse(found.rows);
    if (letter === undefined) return { kind: 'unknown' };
    if (letter.replayed_at !== null) return { kind: 'replayed-before' };
    const inspected = inspectAgain(letter.nats_subject, letter.payload);
    if (inspected.kind === 'dead-letter') return { kind: 'rejected', reason: inspected.reason };
    const { event, leaf } = inspected;
    const { rows } = await client.query(
      `select exists (select 1 from event where id = $1 or (source = $2 and sequence = $3))
         or ($4 and exists (select 1 from source_progress where source = $2 and known @> $3::bigint)) as taken`,
      [event.id, event.source, event.sequence, letter.sequence !== event.sequence],
    );
    const [{ taken }] = takenRows.parse(rows);
    if (taken || letter.sequence === null) return { kind: 'taken' };
    await client.query({ ...appendEvents, values: [...appendParameters(nextIndex, [leaf], [])] });
    await client.query('update dead_letter set replayed_at = now() where position = $1', [position]);
    return { kind: 'replayed', letter: { position, log_index: nextIndex } };
  }
}
