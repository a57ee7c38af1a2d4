import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { and, asc, desc, eq, ne } from 'drizzle-orm';
import { insertPart, type Part } from '../changes/change.js';
import { ENDPOINT_LIMIT, type Endpoint, type EndpointId } from './endpoint.js';
import { webhookEndpointTable } from './webhooks.tables.js';

/** Where merchants want to be told; a client reaches its own only. */
@Injectable()
export class EndpointsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  insert(endpoint: Endpoint): Part {
    return insertPart('webhook_endpoint', {
      id: endpoint.id,
      client_id: endpoint.clientId,
      url: endpoint.url,
      types: endpoint.types,
      status: endpoint.status,
      created_at: endpoint.createdAt,
      updated_at: endpoint.updatedAt,
    });
  }

  remove({ id, clientId }: Pick<Endpoint, 'id' | 'clientId'>, now: Date): Part {
    return {
      mustMatch: true,
      write: (bind) =>
        `update webhook_endpoint set status = 'removed', updated_at = ${bind(now)} ` +
        `where id = ${bind(id)} and client_id = ${bind(clientId)} and status <> 'removed'`,
    };
  }

  /** The client's own, as long as it is not removed. */
  async find(id: EndpointId, clientId: string): Promise<Endpoint | undefined> {
    const own = and(eq(webhookEndpointTable.id, id), eq(webhookEndpointTable.clientId, clientId));
    const [endpoint] = await this.database
      .select()
      .from(webhookEndpointTable)
      .where(and(own, ne(webhookEndpointTable.status, 'removed')));
    return endpoint;
  }

  /** The client's own, newest first. */
  list(clientId: string): Promise<Endpoint[]> {
    return this.database
      .select()
      .from(webhookEndpointTable)
      .where(and(eq(webhookEndpointTable.clientId, clientId), ne(webhookEndpointTable.status, 'removed')))
      .orderBy(desc(webhookEndpointTable.id))
      .limit(ENDPOINT_LIMIT);
  }

  /** Any endpoint, for its deliveries. */
  async get(id: EndpointId): Promise<Endpoint> {
    const [endpoint] = await this.database
      .select()
      .from(webhookEndpointTable)
      .where(eq(webhookEndpointTable.id, id))
      .orderBy(asc(webhookEndpointTable.id));
    if (endpoint === undefined) throw new Error(`webhook endpoint ${id} does not exist`);
    return endpoint;
  }

  /** The merchant said that the endpoint is gone for good (410). */
  async markGone(id: EndpointId, now: Date): Promise<void> {
    await this.database
      .update(webhookEndpointTable)
      .set({ status: 'gone', updatedAt: now })
      .where(and(eq(webhookEndpointTable.id, id), eq(webhookEndpointTable.status, 'active')));
  }
}
