import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, deleteInPortions, POOL, type Database, type Transaction } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';
import { type ApiKeyReport, type Period } from './api-key-usage.js';

const usageRows = z.array(
  z.object({
    hour: z.coerce.date(),
    audience: z.string(),
    route_class: z.string(),
    outcome: z.enum(['allowed', 'denied', 'limited']),
    count: z.coerce.number(),
  }),
);
export type ApiKeyUsageRow = z.infer<typeof usageRows>[number];
const idRows = z.array(z.object({ id: z.string() }));
const networkRows = z.array(z.object({ api_key_id: z.string(), network: z.string() }));
const unusualRows = z.array(
  z.object({
    id: z.string(),
    client_id: z.string(),
    name: z.string(),
    hour: z.coerce.date(),
    count: z.coerce.number(),
    usual: z.coerce.number(),
  }),
);
export type UnusualUse = z.infer<typeof unusualRows>[number];

/** Maximum networks kept for one key; beyond that no network counts as new. */
const NETWORKS_OF_A_KEY = 256;

/** How often keys were used, and from where, in the database. */
@Injectable()
export class ApiKeyUsageStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POOL) private readonly pool: pg.Pool,
  ) {}

  /** Notes that reports are counted. @returns the ids of those that had not been counted before */
  async takeNew(transaction: Transaction, ids: readonly string[], now: Date): Promise<ReadonlySet<string>> {
    const { rows } = await transaction.execute(sql`
      insert into api_key_report_seen (id, seen_at)
      select id, ${now.toISOString()}::timestamptz from unnest(${sql.param([...ids])}::uuid[]) as reported (id) order by id
      on conflict do nothing returning id`);
    return new Set(idRows.parse(rows).map(({ id }) => id));
  }

  /** Adds uses; those of unknown keys are ignored. In a fixed order, so that no two reports deadlock. */
  async add(transaction: Transaction, audience: string, uses: ApiKeyReport['uses']): Promise<void> {
    if (uses.length === 0) return;
    await transaction.execute(sql`
      insert into api_key_usage as known (api_key_id, hour, audience, route_class, outcome, count)
      select u.api_key_id, u.hour, ${audience}, u.route_class, u.outcome, sum(u.count)
      from jsonb_to_recordset(${JSON.stringify(uses)}::jsonb)
        as u (api_key_id uuid, hour timestamptz, route_class text, outcome text, count bigint)
      join api_key on api_key.id = u.api_key_id
      group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
      on conflict (api_key_id, hour, audience, route_class, outcome) do update set count = known.count + excluded.count`);
  }

  /** Adds networks. @returns those that are new for a key that had been used from others before */
  async addNetworks(
    transaction: Transaction,
    networks: ApiKeyReport['networks'],
    now: Date,
  ): Promise<readonly { readonly api_key_id: string; readonly network: string }[]> {
    if (networks.length === 0) return [];
    const { rows } = await transaction.execute(sql`
      with reported as (
        select distinct n.api_key_id, n.network
        from jsonb_to_recordset(${JSON.stringify(networks)}::jsonb) as n (api_key_id uuid, network text)
        join api_key on api_key.id = n.api_key_id
      ), before as (
        select api_key_id, count(*) as known from api_key_network
        where api_key_id in (select api_key_id from reported) group by api_key_id
      ), added as (
        insert into api_key_network (api_key_id, network, first_seen_at)
        select r.api_key_id, r.network, ${now.toISOString()}::timestamptz
        from reported r left join before b using (api_key_id)
        where coalesce(b.known, 0) < ${NETWORKS_OF_A_KEY} order by 1, 2
        on conflict do nothing returning api_key_id, network
      )
      select added.api_key_id, added.network from added join before using (api_key_id)`);
    return networkRows.parse(rows);
  }

  async usage(id: string, { from, to }: Period): Promise<readonly ApiKeyUsageRow[]> {
    const { rows } = await this.database.execute(sql`
      select hour, audience, route_class, outcome, count from api_key_usage
      where api_key_id = ${id} and hour >= ${from.toISOString()}::timestamptz and hour < ${to.toISOString()}::timestamptz
      order by hour, audience, route_class, outcome`);
    return usageRows.parse(rows);
  }

  /**
   * Marks the keys that this hour were used far more often than usual, each once an hour for all replicas.
   * @param times how many times the average hour of the week before, or since its first use in it, so that a new key, such as after a rotation, raises no alarm
   * @param least requests below which nothing is unusual
   */
  async takeUnusual(
    transaction: Transaction,
    hour: Date,
    times: number,
    least: number,
  ): Promise<readonly UnusualUse[]> {
    const { rows } = await transaction.execute(sql`
      with present as (
        select api_key_id, sum(count) as count from api_key_usage
        where hour = ${hour.toISOString()}::timestamptz group by api_key_id having sum(count) >= ${least}
      ), usual as (
        select p.api_key_id, p.count,
          sum(u.count) / greatest(1, extract(epoch from ${hour.toISOString()}::timestamptz - min(u.hour)) / 3600) as usual
        from present p left join api_key_usage u on u.api_key_id = p.api_key_id
          and u.hour >= ${hour.toISOString()}::timestamptz - interval '7 days' and u.hour < ${hour.toISOString()}::timestamptz
        group by p.api_key_id, p.count
      )
      update api_key set unusual_hour = ${hour.toISOString()}::timestamptz from usual
      where api_key.id = usual.api_key_id and usual.usual > 0 and usual.count >= usual.usual * ${times}
        and (api_key.unusual_hour is null or api_key.unusual_hour < ${hour.toISOString()}::timestamptz)
      returning api_key.id, api_key.client_id, api_key.name, api_key.unusual_hour as hour, usual.count, usual.usual`);
    return unusualRows.parse(rows);
  }

  /** Deletes old reports and uses. */
  async prune(now: Date): Promise<void> {
    const at = now.toISOString();
    await deleteInPortions(this.pool, 'api_key_report_seen', `seen_at < $1::timestamptz - interval '30 days'`, [at]);
    await deleteInPortions(this.pool, 'api_key_usage', `hour < $1::timestamptz - interval '400 days'`, [at]);
  }
}
