import { randomUUID } from 'node:crypto';
import { leaseFrom, type LeaseAnswer, type LimitStore, type NamedLeaseRequest } from '@countersign/auth-core';
import type pg from 'pg';
import { z } from 'zod';
import { deleteInPortions } from '../database/delete-in-portions.js';
import { inTransaction } from '../database/transaction.js';

const bucketSchema = z.object({
  level: z.number(),
  at: z.number(),
  day: z.number(),
  month: z.number(),
  leases: z.record(z.string(), z.object({ count: z.number(), until: z.number() })),
});
const rowSchema = z.object({ name: z.string(), bucket: bucketSchema.nullable(), now: z.coerce.number() });
type Row = z.infer<typeof rowSchema>;

/** All replicas use the database's clock; their own clocks may differ. */
const locked = `
select name, bucket, extract(epoch from clock_timestamp()) * 1000 as now
from api_key_bucket where name = any($1) order by name for update`;
const begun = `insert into api_key_bucket (name) select unnest($1::text[]) order by 1 on conflict do nothing`;
const changed = `
update api_key_bucket set bucket = changed.bucket, changed_at = clock_timestamp()
from unnest($1::text[], $2::jsonb[]) as changed (name, bucket) where api_key_bucket.name = changed.name`;
/** A bucket unused for that long is full, and its month has ended. */
const forgotten = `changed_at < clock_timestamp() - interval '40 days'`;

/** The limits of API keys, shared by the replicas of a service through its own database: one commit for all leases requested together. */
export class PostgresLimitStore implements LimitStore {
  readonly #replica = randomUUID();

  constructor(private readonly pool: pg.Pool) {}

  lease(requests: readonly NamedLeaseRequest[]): Promise<readonly LeaseAnswer[]> {
    const names = requests.map(({ bucket }) => bucket);
    return inTransaction(this.pool, async (client) => {
      const rows = new Map((await this.#locked(client, names)).map((row) => [row.name, row]));
      const answers = requests.map(({ bucket: name, limit, used, wanted }) => {
        const row = rows.get(name);
        if (row === undefined) throw new Error('a bucket that was started is missing');
        const { bucket, answer } = leaseFrom(
          row.bucket ?? undefined,
          limit,
          { replica: this.#replica, used, wanted },
          row.now,
        );
        rows.set(name, { ...row, bucket });
        return answer;
      });
      const buckets = names.map((name) => JSON.stringify(rows.get(name)?.bucket));
      await client.query(changed, [names, buckets]);
      return answers;
    });
  }

  async #locked(client: pg.PoolClient, names: readonly string[]): Promise<readonly Row[]> {
    const known = await this.#lock(client, names);
    if (known.length === names.length) return known;
    await client.query(begun, [names]);
    return this.#lock(client, names);
  }

  async #lock(client: pg.PoolClient, names: readonly string[]): Promise<readonly Row[]> {
    return z.array(rowSchema).parse((await client.query(locked, [names])).rows);
  }

  /** Deletes buckets that have not been used for more than a month. @param signal ends it between two portions */
  async prune(signal?: AbortSignal): Promise<void> {
    await deleteInPortions(this.pool, 'api_key_bucket', forgotten, [], signal);
  }
}
