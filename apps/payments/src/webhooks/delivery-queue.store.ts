import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { type DeliveryStatus } from './delivery.js';
import { type EndpointHealth } from './endpoint-health.js';
import { type EndpointId, type EndpointStatus } from './endpoint.js';
import { type EndpointOf, type Free, type Ready } from './turns.js';

/** Milliseconds after which another replica considers an attempt lost. */
const ATTEMPT_LEASE_MS = 60_000;

/** What a query for due endpoints excludes, and its maximum results. */
export interface DueQuery {
  /** Endpoints that have reached their maximum of concurrent attempts. */
  readonly busy: readonly EndpointId[];
  /** Endpoints that are currently keeping an attempt waiting. */
  readonly slow: readonly EndpointId[];
  readonly limits: Free;
}

/** One delivery, taken to be tried now. */
export interface Attempt extends EndpointOf, EndpointHealth {
  readonly eventId: string;
  readonly body: string;
  /** This one included. */
  readonly attempts: number;
  readonly url: string;
  readonly endpointStatus: EndpointStatus;
  readonly dueAt: Date;
}

/** The outcome of an attempt. */
export interface AttemptEnd {
  readonly endpointId: EndpointId;
  readonly eventId: string;
  /** The attempt's own number. */
  readonly attempts: number;
  readonly status: DeliveryStatus;
  readonly nextAttemptAt: Date | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly deliveredAt: Date | null;
  readonly health: EndpointHealth;
  /** It answered 410. */
  readonly gone: boolean;
}

/**
 * Endpoints with something due, some of every client before more of any, separately for each lane: no matter how many wait for a place in the slow
 * lane, none hides one in the swift lane. `waiting` walks from endpoint to endpoint through the index, so that the cost does not grow with
 * the number waiting for each.
 */
const findReady = `
  with recursive waiting as (
    (select endpoint_id from webhook_delivery where status = 'pending' order by endpoint_id limit 1)
    union all
    select next.endpoint_id from waiting cross join lateral (
      select endpoint_id from webhook_delivery where status = 'pending' and endpoint_id > waiting.endpoint_id order by endpoint_id limit 1
    ) as next
  ), ready as (
    select e.id, e.client_id, e.subject, oldest.due,
      case when e.rest_until is not null or e.id = any ($3::uuid[]) then 'slow' else 'swift' end as lane,
      row_number() over (partition by e.client_id order by oldest.due) as turn
    from waiting join webhook_endpoint e on e.id = waiting.endpoint_id
    cross join lateral (
      select min(next_attempt_at) as due from webhook_delivery d where d.endpoint_id = e.id and d.status = 'pending'
    ) as oldest
    where oldest.due <= $1 and (e.status <> 'active' or e.rest_until is null or e.rest_until <= $1) and e.id <> all ($2::uuid[])
  ), placed as (
    select *, row_number() over (partition by lane order by turn, due) as place from ready
  )
  select id as "endpointId", client_id as "clientId", subject, due as "dueAt", lane
  from placed where place <= case lane when 'slow' then $4::int else $5::int end order by place`;

const takeOne = `
  with taken as (
    select due.endpoint_id, due.event_id, due.next_attempt_at from unnest($1::uuid[]) as wanted (endpoint_id) cross join lateral (
      select endpoint_id, event_id, next_attempt_at from webhook_delivery
      where endpoint_id = wanted.endpoint_id and status = 'pending' and next_attempt_at <= $2
      order by next_attempt_at, event_id limit 1 for update skip locked
    ) as due
  )
  update webhook_delivery d set attempts = d.attempts + 1, next_attempt_at = $3
  from taken t join webhook_endpoint e on e.id = t.endpoint_id
  where d.endpoint_id = t.endpoint_id and d.event_id = t.event_id
  returning d.endpoint_id as "endpointId", d.event_id as "eventId", d.body, d.attempts, t.next_attempt_at as "dueAt",
    e.client_id as "clientId", e.subject, e.url, e.status as "endpointStatus", e.failures, e.rest_until as "restUntil"`;

/** An attempt that was considered lost, so that another was made, may still report success; otherwise the later one decides. */
const writeEnds = `
  with ends as (
    select * from jsonb_to_recordset($1::jsonb) as r ("endpointId" uuid, "eventId" uuid, attempts integer, status text, "nextAttemptAt" timestamptz,
      "lastStatus" integer, "lastError" text, "deliveredAt" timestamptz)
  ), endpoints as (
    update webhook_endpoint e set failures = r.failures, rest_until = r."restUntil",
      status = case when r.gone and e.status = 'active' then 'gone' else e.status end,
      updated_at = case when r.gone and e.status = 'active' then $3 else e.updated_at end
    from jsonb_to_recordset($2::jsonb) as r ("endpointId" uuid, failures integer, "restUntil" timestamptz, gone boolean)
    where e.id = r."endpointId" and (r.gone or (e.failures, e.rest_until) is distinct from (r.failures, r."restUntil"))
  )
  update webhook_delivery d set status = r.status, next_attempt_at = r."nextAttemptAt", last_status = r."lastStatus",
    last_error = r."lastError", delivered_at = coalesce(r."deliveredAt", d.delivered_at)
  from ends r where d.endpoint_id = r."endpointId" and d.event_id = r."eventId"
    and (d.attempts = r.attempts and d.status = 'pending' or d.attempts >= r.attempts and r.status = 'delivered')`;

/** Deliveries waiting to be sent, shared by all replicas: each attempt is made by one of them. */
@Injectable()
export class DeliveryQueueStore {
  constructor(@Inject(POOL) private readonly pool: Pick<pg.Pool, 'query'>) {}

  /** Endpoints with something due that are not paused. */
  async ready(now: Date, { busy, slow, limits }: DueQuery): Promise<readonly Ready[]> {
    const values = [now, busy, slow, limits.slow, limits.swift];
    return (await this.pool.query<Ready>({ name: 'webhooks.ready', text: findReady, values })).rows;
  }

  /** Takes what has been due longest, one delivery per endpoint; no other replica gets it until the attempt's lease expires. */
  async take(endpoints: readonly EndpointId[], now: Date): Promise<readonly Attempt[]> {
    const lease = new Date(now.getTime() + ATTEMPT_LEASE_MS);
    const values = [endpoints, now, lease];
    return (await this.pool.query<Attempt>({ name: 'webhooks.take', text: takeOne, values })).rows;
  }

  /** Stores the outcomes of attempts, oldest first; the last one determines an endpoint's health. */
  async end(ends: readonly AttemptEnd[], now: Date): Promise<void> {
    const endpoints = new Map<string, object>();
    for (const { endpointId, health, gone } of ends) {
      const before = endpoints.get(endpointId);
      const isGone = gone || (before !== undefined && 'gone' in before && before.gone === true);
      endpoints.set(endpointId, { endpointId, ...health, gone: isGone });
    }
    const values = [JSON.stringify(ends), JSON.stringify([...endpoints.values()]), now];
    await this.pool.query({ name: 'webhooks.end', text: writeEnds, values });
  }
}
