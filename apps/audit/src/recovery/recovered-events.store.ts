import { auditEventSchema } from '@countersign/audit-event';
import type pg from 'pg';
import { z } from 'zod';
import { isDataFault } from '../log/append-events.store.js';
import { placesIn, RecoveryPlan, type Claim, type IndexSpan, type RecoveredEvent } from './recovered-log.js';

/** Claims read at a time, with all others to the same log indices. */
const CLAIMS_AT_ONCE = 2_000;
/** Maximum missing ranges in a recovery's state. */
const NAMED = 100;

/** Events read at a time. */
const EVENTS_AT_ONCE = 500;

const bigintText = z.string().transform(BigInt);
const saltsSchema = z.record(z.string(), z.string());
const claimRows = z.array(
  z
    .object({
      log_index: bigintText,
      id: z.string(),
      source: z.string(),
      sequence: bigintText,
      proven: z.boolean(),
      rival: z.boolean(),
    })
    .transform(({ log_index: index, rival, ...row }): { claim: Claim; rival: boolean } => ({
      claim: { index, ...row },
      rival,
    })),
);
const stateRow = z.tuple([
  z.object({
    next: bigintText,
    found: z.string().transform(Number),
    missing: z.array(z.object({ first: bigintText, last: bigintText })),
  }),
]);
const stagedRows = z.array(
  z
    .object({ log_index: bigintText, event: z.string(), salts: saltsSchema.nullable() })
    .transform((row): RecoveredEvent => ({
      index: row.log_index,
      event: auditEventSchema.parse(JSON.parse(row.event)),
      salts: row.salts ?? {},
    })),
);

/** A source's proven claim to a log index replaces its own unproven one. The time is parsed so that PostgreSQL refuses one that it cannot store. */
const insertEvents = `
  insert into recovered_event (log_index, id, source, sequence, event, salts, proven)
  select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::jsonb[], $7::boolean[])
    as staged (log_index, id, source, sequence, event, salts, proven)
  where (event::jsonb->>'time')::timestamptz is not null
  on conflict (log_index, source) do update set id = excluded.id, sequence = excluded.sequence, event = excluded.event,
    salts = excluded.salts, proven = true
  where excluded.proven and not recovered_event.proven`;

/** An event that is already in the log under another index cannot be a lost one. */
const isNew = `not exists (select from event where event.id = claim.id offset 0)
    and not exists (select from event where event.source = claim.source and event.sequence = claim.sequence offset 0)`;

const otherClaims = (to: string): string => `
  select other.* from page cross join lateral (
    select log_index, id, source, sequence, proven from recovered_event as claim where ${to} offset 0) as other`;

/**
 * All claims to the next lost log indices from $1 on, between $3 (inclusive) and $2 (exclusive), and every other claim to one of their ids or numbers. Each
 * `offset 0` enforces an index: PostgreSQL has no statistics on rows that have just arrived, and would read and sort all of them for every page.
 */
const claimsOfPlaces = `
  with page as materialized (
    select log_index, id, source, sequence, proven from recovered_event as claim
    where log_index >= $1 and log_index < $2 and ${isNew}
    order by claim.log_index fetch first ${String(CLAIMS_AT_ONCE)} rows with ties
  ), other as (
    ${otherClaims('claim.id = page.id')} union ${otherClaims('claim.source = page.source and claim.sequence = page.sequence')}
  )
  select log_index::text, id, source, sequence::text, proven, false as rival from page
  union all
  select log_index::text, id, source, sequence::text, proven, true from other as claim
  where log_index >= $3 and log_index < $2 and (log_index < $1 or log_index > (select max(log_index) from page)) and ${isNew}`;

/** How many of the lost log indices have a claim, and the first ones without any. Which claims are valid is decided only by the recovery. */
const recoveryState = `
  with head as (
    select next_index as next from log_sequence
  ), place as materialized (
    select distinct log_index from head, recovered_event where log_index >= next and log_index < $1
  ), gap as (
    select log_index + 1 as first, lead(log_index, 1, $1::bigint) over (order by log_index) - 1 as last
    from (select next - 1 as log_index from head union all select log_index from place) as known
  )
  select next::text, (select count(*)::text from place) as found,
    (select coalesce(json_agg(json_build_object('first', first::text, 'last', last::text)), '[]')
     from (select first, last from gap where first <= last order by gap.first limit ${String(NAMED)}) as named) as missing
  from head`;

const stagedEvents = `
  select log_index::text, event, salts from recovered_event
  join unnest($1::bigint[], $2::text[]) as wanted (log_index, source) using (log_index, source) order by recovered_event.log_index`;

/** The progress of a recovery. */
export interface RecoveryState {
  /** The first index that the log lacks. */
  readonly next: bigint;
  /** Log indices with at least one claim. */
  readonly found: number;
  /** Log indices without a claim; the first hundred ranges. */
  readonly missing: readonly IndexSpan[];
}

/** Claims to some places. */
interface ClaimedPlaces {
  readonly claims: readonly Claim[];
  readonly rivals: readonly Claim[];
}

/**
 * Stores recovered events until they are in the log again.
 * @param events with different log indices
 * @returns whether the database can store them
 */
export async function stageEvents(
  pool: pg.Pool,
  events: readonly RecoveredEvent[],
  isProven: (event: RecoveredEvent) => boolean,
): Promise<boolean> {
  if (events.length === 0) return true;
  try {
    await pool.query(insertEvents, [
      events.map(({ index }) => index),
      events.map(({ event }) => event.id),
      events.map(({ event }) => event.source),
      events.map(({ event }) => event.sequence),
      events.map(({ event }) => JSON.stringify(event)),
      events.map(({ salts }) => JSON.stringify(salts)),
      events.map(isProven),
    ]);
    return true;
  } catch (error) {
    if (isDataFault(error)) return false;
    throw error;
  }
}

/** For the rest of a transaction: without statistics, PostgreSQL would read and sort all recovered rows instead of walking through them. */
export async function readByIndexes(client: pg.PoolClient): Promise<void> {
  await client.query('set local enable_seqscan = off; set local enable_bitmapscan = off; set local jit = off');
}

/** The progress of a recovery. @param end the index after the last one that the log had */
export async function recoveryStateOf(pool: pg.Pool, end: bigint): Promise<RecoveryState> {
  const { rows } = await pool.query(recoveryState, [end]);
  return stateRow.parse(rows)[0];
}

/** Claims in the log's order, for some log indices at a time; indices without claims are skipped. */
export async function* claimedPlaces(client: pg.PoolClient, next: bigint, end: bigint): AsyncGenerator<ClaimedPlaces> {
  for (let from = next; ;) {
    const { rows } = await client.query(claimsOfPlaces, [from, end, next]);
    const found = claimRows.parse(rows);
    const claims = found
      .flatMap(({ claim, rival }) => (rival ? [] : [claim]))
      .sort((one, other) => (one.index < other.index ? -1 : 1));
    const last = claims.at(-1);
    if (last === undefined) return;
    yield { claims, rivals: found.flatMap(({ claim, rival }) => (rival ? [claim] : [])) };
    from = last.index + 1n;
  }
}

/**
 * The events that can be restored, in the log's order.
 * @param lost log indices found to be lost: a contested claim may be gone, because its id or number is in the log by now
 */
export async function* standingEvents(
  client: pg.PoolClient,
  next: bigint,
  end: bigint,
  lost: readonly IndexSpan[],
): AsyncGenerator<RecoveredEvent> {
  const plan = new RecoveryPlan(next, end);
  const isLost = placesIn(lost);
  for await (const { claims, rivals } of claimedPlaces(client, next, end)) {
    const standing = plan.take(claims, rivals).filter(({ index }) => !isLost(index));
    for (let at = 0; at < standing.length; at += EVENTS_AT_ONCE) {
      const page = standing.slice(at, at + EVENTS_AT_ONCE);
      const { rows } = await client.query(stagedEvents, [
        page.map(({ index }) => index),
        page.map(({ source }) => source),
      ]);
      yield* stagedRows.parse(rows);
    }
  }
}
