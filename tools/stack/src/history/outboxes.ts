import { openPool } from '@countersign/backing-services';
import type pg from 'pg';
import { type ServiceName, serviceNames } from '../services.js';
import { type Happening } from './happening.js';

/** Rows of one statement. */
const CHUNK = 1_000;

/** Numbers of a source that never reach the trail, both ends included. */
export interface LostNumbers {
  readonly source: ServiceName;
  readonly first: number;
  readonly last: number;
}

const waitingQuery = `
  select ((select count(*) from (select from audit_outbox limit 100000) as counted)
    + (select coalesce(sum(count), 0) from audit_outbox_group))::int as waiting`;
/** The lock of the row is the relay's own too, so that no number is given twice. */
const loseQuery = `
  insert into audit_sequence (source, last) values ($1, $2)
  on conflict (source) do update set last = audit_sequence.last + excluded.last returning last::int`;
const insertQuery = 'insert into audit_outbox (id, event) select * from unnest($1::uuid[], $2::jsonb[])';

/** The outboxes of a running stack's services: their own relays number, publish and keep its events until audit has them. */
export class Outboxes {
  readonly #pools: ReadonlyMap<ServiceName, pg.Pool>;

  /** @param urlOf where each service's database is */
  constructor(urlOf: (service: ServiceName) => string) {
    this.#pools = new Map(serviceNames.map((name) => [name, openPool(urlOf(name), 2)] as const));
  }

  /** Events that wait, in all; at most 100,000 of each service are counted. */
  async waiting(): Promise<number> {
    const counts = await Promise.all(
      [...this.#pools.values()].map(async (pool) => {
        const { rows } = await pool.query<{ waiting: number }>(waitingQuery);
        return rows[0]?.waiting ?? 0;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Records what happened, in its order; a service's numbers are lost only once what it said before is numbered. */
  async record(happenings: readonly Happening[]): Promise<readonly LostNumbers[]> {
    const bySource = Map.groupBy(happenings, ({ source }) => source);
    const lost = await Promise.all([...bySource].map(([source, own]) => this.#recordOf(source, own)));
    return lost.flat();
  }

  async #recordOf(source: ServiceName, happenings: readonly Happening[]): Promise<readonly LostNumbers[]> {
    const pool = this.#pools.get(source);
    if (pool === undefined) return [];
    const lost: LostNumbers[] = [];
    let rows: Exclude<Happening, { kind: 'lost' }>[] = [];
    const insert = async (): Promise<void> => {
      const ids = rows.map((row) => (row.kind === 'event' ? row.event.id : row.id));
      await pool.query(insertQuery, [ids, rows.map(({ event }) => JSON.stringify(event))]);
      rows = [];
    };
    for (const one of happenings) {
      if (one.kind !== 'lost') {
        rows.push(one);
        if (rows.length === CHUNK) await insert();
        continue;
      }
      // What follows is inserted after the loss: a gap that no later number shows is not known to be one.
      await insert();
      const { rows: counted } = await pool.query<{ last: number }>(loseQuery, [source, one.count]);
      const last = counted[0]?.last ?? one.count;
      lost.push({ source, first: last - one.count + 1, last });
    }
    await insert();
    return lost;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()));
  }
}
