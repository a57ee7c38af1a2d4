import { Injectable } from '@nestjs/common';
import { type Transaction } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import { z } from 'zod';

const rowsSchema = z.object({ rows: z.array(z.object({ client_id: z.string() })) });

/** Clients that describe themselves, as far as they have something from people. */
@Injectable()
export class DescribedClients {
  /** Those under a policy as it stands in the database: anyone who ends the policy's client ends them too. @returns none for any other client */
  async under(transaction: Transaction, clientId: string): Promise<readonly string[]> {
    const answer = await transaction.execute(sql`
      select distinct d.client_id
      from client c, jsonb_array_elements_text(c.registration->'metadata_documents'->'origins') as o (origin), delegation d
      where c.client_id = ${clientId} and starts_with(d.client_id, o.origin || '/') and d.ended_at is null`);
    return rowsSchema.parse(answer).rows.map((row) => row.client_id);
  }
}
