import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Database, type Transaction } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import { z } from 'zod';

const rowsSchema = z.object({ rows: z.array(z.object({ client_id: z.string(), delegations: z.number() })) });

/** A client that describes itself. */
export interface DescribedClient {
  readonly clientId: string;
  /** Its live delegations; none if a code or a device is still to be redeemed. */
  readonly delegations: number;
}

/** Clients that describe themselves and that people have allowed something. */
@Injectable()
export class DescribedClients {
  constructor(@Inject(CLOCK) private readonly clock: () => Date) {}

  /** Those under a policy, as stored in the database: ending the policy's client ends them too. @returns none for any other client */
  async under(executor: Database | Transaction, clientId: string): Promise<readonly DescribedClient[]> {
    const now = this.clock().toISOString();
    const answer = await executor.execute(sql`
      select allowed.client_id, sum(allowed.live)::int as delegations
      from (
        select distinct o.origin || '/' as prefix
        from client c, jsonb_array_elements_text(c.registration->'metadata_documents'->'origins') as o (origin)
        where c.client_id = ${clientId}
      ) as place
      cross join lateral (
        select client_id, 1 as live from delegation where starts_with(client_id, place.prefix) and ended_at is null
        union all
        select client_id, 0 from authorization_code
        where starts_with(client_id, place.prefix) and redeemed_at is null and withdrawn_at is null
          and expires_at > ${now}::timestamptz
        union all
        select client_id, 0 from device_authorization
        where starts_with(client_id, place.prefix) and redeemed_at is null and allowed is not null
          and expires_at > ${now}::timestamptz
      ) as allowed
      group by allowed.client_id`);
    return rowsSchema.parse(answer).rows.map((row) => ({ clientId: row.client_id, delegations: row.delegations }));
  }
}
