import { Inject, Injectable } from '@nestjs/common';
import { type Owner, type Reach } from '@countersign/auth-core';
import { DATABASE, withinReach, type Database } from '@countersign/service-host';
import { and, count, desc, eq, lt, ne } from 'drizzle-orm';
import { type Part } from '../changes/statement-parts.store.js';
import { ENDPOINT_LIMIT, type Endpoint, type EndpointId, type ListEndpoints } from './endpoint.js';
import { webhookEndpointTable as table } from './webhooks.tables.js';

/** Where merchants want to be notified. A caller's queries are limited to its reach. */
@Injectable()
export class EndpointsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Registers the endpoint in one of its owner's free slots; `stale` if there is none, or if another registration took it at the
   * same moment. A count before the insert would let both pass.
   */
  insert(endpoint: Endpoint): Part {
    return {
      mustMatch: true,
      write: (bind) => {
        const [client, subject] = [`${bind(endpoint.clientId)}::text`, `${bind(endpoint.subject)}::text`];
        const now = `${bind(endpoint.createdAt)}::timestamptz`;
        return (
          `insert into webhook_endpoint (id, client_id, subject, reach, slot, url, types, status, created_at, updated_at) ` +
          `select ${bind(endpoint.id)}::uuid, ${client}, ${subject}, ${bind(endpoint.reach)}::text, slot, ${bind(endpoint.url)}::text, ` +
          `${bind(endpoint.types)}::text[], ${bind(endpoint.status)}::text, ${now}, ${now} ` +
          `from generate_series(1, ${String(ENDPOINT_LIMIT)}) as slot where not exists (select from webhook_endpoint as other ` +
          `where other.subject = ${subject} and other.client_id = ${client} and other.slot = slot.slot and other.status <> 'removed') ` +
          `order by random() limit 1`
        );
      },
    };
  }

  remove({ id }: Pick<Endpoint, 'id'>, now: Date): Part {
    return {
      mustMatch: true,
      write: (bind) =>
        `update webhook_endpoint set status = 'removed', updated_at = ${bind(now)} where id = ${bind(id)} and status <> 'removed'`,
    };
  }

  /** Ends the endpoint's pause, so that it is tried immediately; rolls back the whole commit unless the endpoint is active at that moment. */
  endRest({ id }: Pick<Endpoint, 'id'>): Part {
    return {
      mustMatch: true,
      write: (bind) =>
        `update webhook_endpoint set failures = 0, rest_until = null where id = ${bind(id)} and status = 'active'`,
    };
  }

  /** Unless it was removed. */
  async find(id: EndpointId, reach: Reach): Promise<Endpoint | undefined> {
    const [endpoint] = await this.database
      .select()
      .from(table)
      .where(and(eq(table.id, id), withinReach(table, reach), ne(table.status, 'removed')));
    return endpoint;
  }

  /** Those within reach, newest first; one more than the page holds. */
  list(reach: Reach, { cursor, limit }: ListEndpoints): Promise<Endpoint[]> {
    const before = cursor === undefined ? undefined : lt(table.id, cursor);
    return this.database
      .select()
      .from(table)
      .where(and(withinReach(table, reach), ne(table.status, 'removed'), before))
      .orderBy(desc(table.id))
      .limit(limit + 1);
  }

  /** How many endpoints the owner has, active or gone. */
  async countOf({ subject, clientId }: Owner): Promise<number> {
    const [found] = await this.database
      .select({ endpoints: count() })
      .from(table)
      .where(and(eq(table.subject, subject), eq(table.clientId, clientId), ne(table.status, 'removed')));
    return found?.endpoints ?? 0;
  }
}
