import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, deleteInPortions, type Database } from '@countersign/service-host';
import { and, asc, desc, eq, gte, lt, ne, sql } from 'drizzle-orm';
import { type Part } from '../changes/statement-parts.store.js';
import { firstIdAt } from '../first-id.js';
import { DELIVERY_DAYS, GIVE_UP_DAYS, type Delivery, type ListDeliveries, type Replay } from './delivery.js';
import { REPLAY_LIMIT, type Endpoint, type EndpointId } from './endpoint.js';
import { type Notice } from './notice.js';
import { webhookDeliveryTable as table } from './webhooks.tables.js';

/** One endpoint that is gone may leave millions: more than one statement could fail within its time limit. */
const GIVE_UP_BATCH = 5_000;

/** Deliveries and their outcomes, as queried by callers. */
@Injectable()
export class DeliveriesStore {
  readonly #listeners: (() => void)[] = [];

  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** @param listener called whenever this process has committed deliveries that are due */
  whenDue(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Commits the notice, for each active endpoint that reaches its payment and subscribed to its type, together with the change that it reports. */
  insert({ id, type, owner, paymentId, body, createdAt }: Notice): Part {
    return {
      changed: this.#due,
      write: (bind) => {
        const kind = bind(type);
        const now = bind(createdAt);
        return (
          `insert into webhook_delivery (endpoint_id, event_id, type, payment_id, body, status, next_attempt_at, created_at) ` +
          `select id, ${bind(id)}::uuid, ${kind}::text, ${bind(paymentId)}::uuid, ${bind(body)}::text, 'pending', ${now}::timestamptz, ${now}::timestamptz ` +
          `from webhook_endpoint where (subject = ${bind(owner.subject)} or (reach = 'client' and client_id = ${bind(owner.clientId)})) ` +
          `and status = 'active' and ${kind}::text = any(types)`
        );
      },
    };
  }

  readonly #due = (): void => {
    for (const listener of this.#listeners) listener();
  };

  /** Newest first; one more than the page holds. */
  list({ id: endpointId }: Pick<Endpoint, 'id'>, { status, cursor, limit }: ListDeliveries): Promise<Delivery[]> {
    return this.database
      .select()
      .from(table)
      .where(
        and(
          eq(table.endpointId, endpointId),
          status === undefined ? undefined : eq(table.status, status),
          cursor === undefined ? undefined : lt(table.eventId, cursor),
        ),
      )
      .orderBy(desc(table.eventId))
      .limit(limit + 1);
  }

  /** Resends, starting with the first attempt: one event, or those since a time; deliveries already waiting for an attempt are left unchanged. */
  replay({ id: endpointId }: Pick<Endpoint, 'id'>, { event_id, since }: Replay, now: Date): Part {
    return {
      changed: this.#due,
      write: (bind) => {
        const endpoint = bind(endpointId);
        const which =
          since === undefined
            ? `event_id = ${bind(event_id)}::uuid`
            : // A notice's id starts with its creation time, by which each endpoint's notices are indexed.
              `event_id >= ${bind(firstIdAt(since))}::uuid`;
        return (
          `update webhook_delivery set status = 'pending', attempts = 0, next_attempt_at = ${bind(now)} ` +
          `where endpoint_id = ${endpoint} and event_id in (select event_id from webhook_delivery ` +
          `where endpoint_id = ${endpoint} and status <> 'pending' and ${which} order by event_id limit ${String(REPLAY_LIMIT)})`
        );
      },
    };
  }

  /** The creation time of the first notice beyond a replay's limit; null if the replay includes all. */
  async afterReplay({ id: endpointId }: Pick<Endpoint, 'id'>, since: Date): Promise<Date | null> {
    const [next] = await this.database
      .select({ createdAt: table.createdAt })
      .from(table)
      .where(and(eq(table.endpointId, endpointId), ne(table.status, 'pending'), gte(table.eventId, firstIdAt(since))))
      .orderBy(asc(table.eventId))
      .offset(REPLAY_LIMIT)
      .limit(1);
    return next?.createdAt ?? null;
  }

  async exists({ id: endpointId }: Pick<Endpoint, 'id'>, eventId: string): Promise<boolean> {
    const found = await this.database.select({ id: table.eventId }).from(table).where(at(endpointId, eventId));
    return found.length > 0;
  }

  /** Fails deliveries that have waited for days for a paused endpoint without an attempt. @returns how many */
  async giveUp(now: Date): Promise<number> {
    const before = new Date(now.getTime() - GIVE_UP_DAYS * 86_400_000);
    for (let given = 0; ;) {
      const { rowCount } = await this.database.execute(sql`
        update webhook_delivery set status = 'failed', next_attempt_at = null, last_error = 'the endpoint did not answer for days'
        where ctid = any(array(
          select d.ctid from webhook_endpoint e join webhook_delivery d on d.endpoint_id = e.id
          where e.rest_until is not null and d.status = 'pending' and d.next_attempt_at < ${before} limit ${GIVE_UP_BATCH}))
          and status = 'pending'`);
      given += rowCount ?? 0;
      if ((rowCount ?? 0) < GIVE_UP_BATCH) return given;
    }
  }

  /** Forgets deliveries older than {@link DELIVERY_DAYS}. @returns how many */
  prune(now: Date): Promise<number> {
    const before = new Date(now.getTime() - DELIVERY_DAYS * 86_400_000);
    const condition = `created_at < $1 and status <> 'pending'`;
    return deleteInPortions(this.database.$client, 'webhook_delivery', condition, [before]);
  }
}

function at(endpointId: EndpointId, eventId: string) {
  return and(eq(table.endpointId, endpointId), eq(table.eventId, eventId));
}
