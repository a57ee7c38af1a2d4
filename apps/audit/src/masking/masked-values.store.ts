import { Inject, Injectable } from '@nestjs/common';
import { deleteInPortions, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { type MaskedValue } from './masking.js';

/** The masked values of one event. */
export interface MaskedEvent {
  readonly eventId: string;
  readonly subject: string | null;
  readonly values: readonly MaskedValue[];
}

const valueRows = z.array(z.object({ path: z.string(), value: z.unknown(), salt: z.instanceof(Buffer) }));

/** Stores the values in the transaction that appends their events. */
export async function keepApart(client: pg.PoolClient, events: readonly MaskedEvent[]): Promise<void> {
  const rows = events.flatMap(({ eventId, subject, values }) =>
    values.map((value) => ({ eventId, subject, ...value })),
  );
  if (rows.length === 0) return;
  await client.query(
    `insert into masked_value (event_id, subject, path, value, salt)
       select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::bytea[])`,
    [
      rows.map(({ eventId }) => eventId),
      rows.map(({ subject }) => subject),
      rows.map(({ path }) => path),
      rows.map(({ value }) => JSON.stringify(value)),
      rows.map(({ salt }) => salt),
    ],
  );
}

/** The masked values, separate from the log, so that they can be erased while the log stays intact. */
@Injectable()
export class MaskedValuesStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  async of(eventId: string): Promise<readonly MaskedValue[]> {
    const { rows } = await this.pool.query(
      'select path, value, salt from masked_value where event_id = $1 order by path',
      [eventId],
    );
    return valueRows.parse(rows);
  }

  /** @returns how many values were erased; without their salts, the commitments reveal nothing */
  async eraseEvent(eventId: string): Promise<number> {
    const { rowCount } = await this.pool.query('delete from masked_value where event_id = $1', [eventId]);
    return rowCount ?? 0;
  }

  async eraseSubject(subject: string): Promise<number> {
    const erased = await deleteInPortions(this.pool, 'masked_value', 'subject = $1', [subject]);
    // Portions skip rows that another transaction holds; since nothing of the subject may remain, the last step waits for these.
    const { rowCount } = await this.pool.query('delete from masked_value where subject = $1', [subject]);
    return erased + (rowCount ?? 0);
  }
}
