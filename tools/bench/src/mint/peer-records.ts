// Where oidc-provider keeps its codes, grants and refresh tokens in the mint benchmark.
import { openPool } from '@countersign/backing-services';
import { type Adapter, type AdapterFactory, type AdapterPayload } from 'oidc-provider';
import type pg from 'pg';
import { z } from 'zod';

/** What a peer keeps, and how it forgets: a round begins with nothing of the rounds before, because what piles up would make each slower. */
export interface PeerRecords {
  readonly adapter: AdapterFactory;
  forget(): Promise<void>;
}

/** As its own in memory, but for as many as a round needs: that one forgets the oldest of a thousand. */
class InMemory implements Adapter {
  readonly #kept = new Map<string, AdapterPayload>();

  forget(): void {
    this.#kept.clear();
  }
  upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#kept.set(id, payload);
    return Promise.resolve();
  }
  find(id: string): Promise<AdapterPayload | undefined> {
    return Promise.resolve(this.#kept.get(id));
  }
  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  findByUid(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  consume(id: string): Promise<void> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) kept.consumed = Math.floor(Date.now() / 1_000);
    return Promise.resolve();
  }
  destroy(id: string): Promise<void> {
    this.#kept.delete(id);
    return Promise.resolve();
  }
  revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, payload] of this.#kept) if (payload.grantId === grantId) this.#kept.delete(id);
    return Promise.resolve();
  }
}

export function inMemory(): PeerRecords {
  const all: InMemory[] = [];
  return {
    adapter: () => {
      const one = new InMemory();
      all.push(one);
      return one;
    },
    forget: () => {
      for (const one of all) one.forget();
      return Promise.resolve();
    },
  };
}

const foundSchema = z.array(z.object({ payload: z.record(z.string(), z.unknown()) }));

/** One row for each record, each statement prepared and committed by itself: an adapter has no way to say what belongs together. */
class InPostgres implements Adapter {
  constructor(
    private readonly pool: pg.Pool,
    private readonly model: string,
  ) {}

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.pool.query({
      name: 'upsert',
      text: `insert into record (model, id, payload, grant_id, expires_at) values ($1, $2, $3, $4, now() + $5 * interval '1 second')
        on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id, expires_at = excluded.expires_at`,
      values: [this.model, id, JSON.stringify(payload), payload.grantId ?? null, expiresIn ?? null],
    });
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    const { rows } = await this.pool.query({
      name: 'find',
      text: `select payload from record where model = $1 and id = $2 and (expires_at is null or expires_at > now())`,
      values: [this.model, id],
    });
    return foundSchema.parse(rows)[0]?.payload;
  }
  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  findByUid(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  async consume(id: string): Promise<void> {
    await this.pool.query({
      name: 'consume',
      text: `update record set payload = payload || jsonb_build_object('consumed', floor(extract(epoch from now()))) where model = $1 and id = $2`,
      values: [this.model, id],
    });
  }
  async destroy(id: string): Promise<void> {
    const values = [this.model, id];
    await this.pool.query({ name: 'destroy', text: 'delete from record where model = $1 and id = $2', values });
  }
  async revokeByGrantId(grantId: string): Promise<void> {
    const values = [this.model, grantId];
    await this.pool.query({ name: 'revoke', text: 'delete from record where model = $1 and grant_id = $2', values });
  }
}

/** In the same PostgreSQL as the issuer's records: durable before the answer, as they are. */
export async function inPostgres(connectionString: string): Promise<PeerRecords> {
  const pool = openPool(connectionString, 10);
  await pool.query(`create table record (
    model text, id text, payload jsonb not null, grant_id text, expires_at timestamptz, primary key (model, id))`);
  await pool.query('create index record_by_grant on record (grant_id)');
  return {
    adapter: (model) => new InPostgres(pool, model),
    forget: async () => {
      await pool.query('truncate record');
    },
  };
}
