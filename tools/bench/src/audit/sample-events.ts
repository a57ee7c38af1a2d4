import type pg from 'pg';

/**
 * Events as a year of a shop might leave them, made by the database itself: a few busy subjects and very many rare ones, thirty actions of
 * falling frequency, 2.5 % denied, resources of three events, traces of five, times almost in order.
 */
const sampleFunctions = `
  create or replace function pg_temp.drawn(i bigint, seed int, below bigint) returns bigint language sql immutable as
    $$ select (hashint8extended(i, seed) & 9223372036854775807) % below $$;
  create or replace function pg_temp.skewed(i bigint, seed int, below float8) returns int language sql immutable as
    $$ select floor(power(below, pg_temp.drawn(i, seed, 1000000) / 1e6::float8))::int $$`;

const insertSample = `
  insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, subject, client_id, actors, txn, trace_id, event, received_at)
  select i, id, source, 1000000000000 + i, type, time, resource, action, outcome, subject, client, actors, txn, trace,
    jsonb_build_object('specversion', '1.0', 'id', id, 'source', source, 'type', type, 'time', to_char(time, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'subject', resource, 'datacontenttype', 'application/json', 'traceparent', '00-' || trace || '-' || left(trace, 16) || '-01',
      'sequence', (1000000000000 + i)::text, 'data', jsonb_build_object(
        'principal', jsonb_build_object('subject', subject, 'client_id', client, 'actors', to_jsonb(actors), 'scopes', '["things:do"]'::jsonb, 'jti', trace),
        'txn', txn, 'action', action, 'resource', resource, 'outcome', outcome,
        'request', jsonb_build_object('method', 'POST', 'route', '/things/:id', 'id', id, 'peer', '192.0.2.7'),
        'changes', jsonb_build_object('amount', pg_temp.drawn(i, 9, 100000)::text, 'currency', 'EUR', 'status', 'posted'))), now()
  from (
    select i, ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid as id,
      source, 'countersign.' || source || '.thing' || kind || '.done.v1' as type,
      timestamptz '2026-01-01' + i * interval '3 s' - pg_temp.drawn(i, 1, 3000) * interval '1 ms' as time,
      case when pg_temp.drawn(i, 2, 10) = 0 then 'events' else 'payment/' || md5('p' || i / 3)::uuid end as resource,
      'thing' || kind || ':' || verb as action, outcome, subject, client, actors, 'txn-' || i / 5 as txn, md5('t' || i / 5) as trace
    from (
      select i, kind, (array['issuer', 'payments', 'accounts', 'ledger'])[1 + kind % 4] as source,
        (array['create', 'read', 'post', 'refuse'])[1 + kind / 4 % 4] as verb,
        case when pg_temp.drawn(i, 3, 1000) < 970 then 'allowed' when pg_temp.drawn(i, 3, 1000) < 995 then 'denied' else 'failed' end as outcome,
        case when pg_temp.drawn(i, 4, 10) < 3 then 'storefront' when pg_temp.drawn(i, 4, 10) < 5 then 'payments'
          else 'user-' || pg_temp.skewed(i, 5, 100000) end as subject,
        'client-' || pg_temp.skewed(i, 6, 20) as client,
        case when pg_temp.drawn(i, 7, 10) < 6 then '{}'::text[] else array['payments', 'gateway-' || pg_temp.drawn(i, 7, 7)] end as actors
      from (select i, pg_temp.skewed(i, 8, 30) - 1 as kind from generate_series($1::bigint, $2::bigint - 1) as i offset 0) as numbered offset 0
    ) as drawn offset 0
  ) as sample`;

/** When the sample's event at a log index was, to three seconds. */
export function timeOfSample(index: number): Date {
  return new Date(Date.parse('2026-01-01T00:00:00Z') + index * 3_000);
}

/** Rows of one insert. */
const CHUNK = 50_000;

/** Takes the next log indices, as the intake does: under the lock of the head, so that the events of looks in between are neither hit nor skipped. */
async function fillNext(client: pg.Client, size: number): Promise<number> {
  await client.query('begin');
  try {
    const { rows } = await client.query<{ head: string }>('select next_index as head from log_sequence for update');
    const head = Number(rows[0]?.head);
    const next = Math.max(head, Math.min(size, head + CHUNK));
    await client.query(insertSample, [head, next]);
    await client.query('update log_sequence set next_index = $1', [next]);
    await client.query('commit');
    return next;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

/**
 * Fills the log up to `size` events, or until the time is up.
 * @returns how many there are
 */
export async function fillLog(
  client: pg.Client,
  { from, size, deadline }: { readonly from: number; readonly size: number; readonly deadline: number },
): Promise<number> {
  // A service's own login may make no temporary functions.
  await client.query('set role audit_owner');
  await client.query(`set jit = off; ${sampleFunctions}`);
  let filled = from;
  while (filled < size && performance.now() < deadline) filled = await fillNext(client, size);
  await client.query('vacuum analyze event');
  await client.query('reset role');
  return filled;
}
