import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, limitStatements, POOL, tryLock } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { type CallTimes, type Calls, MAP_PAIRS, TIMED_EVENTS, type Hours } from './call-map.js';

/** Maximum events counted in one step. */
const STEP = 20_000;
/** One replica counts at a time. */
const LOCK = 'countersign.call-count';
/** Maximum milliseconds for a map in the database. */
const LIMIT_MS = 10_000;

const callerOf = `coalesce(actors[1], client_id, '')`;
/** Refusals of unverified callers are summarised in one event with their number. */
const timesOf = `case when type like '%.requests.refused.v1' and event #>> '{data,changes,count}' ~ '^[1-9][0-9]{0,8}$'
  then (event #>> '{data,changes,count}')::bigint else 1 end`;

const countStep = `
  insert into call_hour (hour, caller, callee, allowed, denied, failed, end_index)
  select date_trunc('hour', time, 'UTC'), ${callerOf}, source,
    count(*) filter (where outcome = 'allowed'), coalesce(sum(${timesOf}) filter (where outcome = 'denied'), 0),
    count(*) filter (where outcome = 'failed'), max(log_index) + 1
  from event where log_index >= $1 and log_index < $2 group by 1, 2, 3
  on conflict (hour, caller, callee) do update set allowed = call_hour.allowed + excluded.allowed,
    denied = call_hour.denied + excluded.denied, failed = call_hour.failed + excluded.failed,
    end_index = greatest(call_hour.end_index, excluded.end_index)`;

const sumHours = `
  select caller, callee, sum(allowed)::text as allowed, sum(denied)::text as denied, sum(failed)::text as failed,
    max(end_index)::text as "end", count(*) over ()::int as pairs
  from call_hour where hour >= $1 and hour < $2 group by caller, callee
  order by sum(allowed + denied + failed) desc, caller, callee limit ${String(MAP_PAIRS)}`;

const timeTransactions = `
  with newest as (
    select ${callerOf} as caller, source as callee, txn, time from event
    where log_index >= $1 and log_index < $2 and time >= $3 and time < $4 and txn is not null
  ), lasting as (
    select caller, callee, extract(epoch from max(time) - min(time)) * 1000 as ms
    from newest group by caller, callee, txn having count(*) > 1
  )
  select caller, callee, count(*)::int as transactions, round(percentile_cont(0.5) within group (order by ms))::int as median_ms,
    round(percentile_cont(0.95) within group (order by ms))::int as p95_ms
  from lasting group by caller, callee`;

const progressRow = z.tuple([z.object({ mark: z.coerce.bigint(), next: z.coerce.bigint() })]);
const throughRow = z.tuple([z.object({ through: z.string() })]);
const sumRows = z.array(
  z.object({
    caller: z.string(),
    callee: z.string(),
    allowed: z.string(),
    denied: z.string(),
    failed: z.string(),
    end: z.coerce.bigint(),
    pairs: z.number(),
  }),
);
const timeRows = z.array(
  z.object({
    caller: z.string(),
    callee: z.string(),
    transactions: z.number(),
    median_ms: z.number(),
    p95_ms: z.number(),
  }),
);

export interface CountedCalls {
  readonly calls: readonly Calls[];
  readonly leftOut: number;
  readonly through: string;
}

const pairOf = (caller: string, callee: string): string => JSON.stringify([caller, callee]);

/** The event up to which calls are counted, and the end of the log. */
async function progress(queries: pg.Pool | pg.PoolClient): Promise<{ readonly mark: bigint; readonly next: bigint }> {
  const { rows } = await queries.query(
    `select next_index::text as mark, coalesce((select max(log_index) + 1 from event), 0)::text as next from call_progress`,
  );
  return progressRow.parse(rows)[0];
}

/** Counts who called whom, by the hour. */
@Injectable()
export class CallsStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  /** Counts the next events of the log. @returns how many; while there were some, more may follow */
  async advance(): Promise<number> {
    const { mark, next } = await progress(this.pool);
    if (next <= mark) return 0;
    return inTransaction(this.pool, async (client) => {
      if (!(await tryLock(client, LOCK))) return 0;
      const { mark, next } = await progress(client);
      if (next <= mark) return 0;
      const end = next - mark > BigInt(STEP) ? mark + BigInt(STEP) : next;
      // No time limit: a step that is abandoned is tried again, and the map would never get past it.
      await limitStatements(client, 0);
      await client.query(countStep, [mark, end]);
      await client.query('update call_progress set next_index = $1', [end]);
      return Number(end - mark);
    });
  }

  /** The calls of these hours, the most frequent first. */
  read({ from, to }: Hours): Promise<CountedCalls> {
    return inTransaction(this.pool, async (client) => {
      // From one snapshot: otherwise events counted in the meantime would be in one result but not in the other.
      await client.query('set transaction isolation level repeatable read, read only');
      await limitStatements(client, LIMIT_MS);
      const sums = sumRows.parse((await client.query(sumHours, [from, to])).rows);
      const end = sums.reduce((highest, one) => (one.end > highest ? one.end : highest), 0n);
      const low = end > BigInt(TIMED_EVENTS) ? end - BigInt(TIMED_EVENTS) : 0n;
      const timed = timeRows.parse((await client.query(timeTransactions, [low, end, from, to])).rows);
      const times = new Map(
        timed.map(({ caller, callee, ...rest }): [string, CallTimes] => [pairOf(caller, callee), rest]),
      );
      const { rows } = await client.query('select next_index::text as through from call_progress');
      const [{ through }] = throughRow.parse(rows);
      const calls = sums.map(({ caller, callee, allowed, denied, failed }): Calls => ({
        caller: caller === '' ? null : caller,
        callee,
        allowed,
        denied,
        failed,
        times: times.get(pairOf(caller, callee)) ?? null,
      }));
      return { calls, leftOut: (sums[0]?.pairs ?? 0) - sums.length, through };
    });
  }
}
