import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, POOL, type Database } from '@countersign/service-host';
import { desc, inArray } from 'drizzle-orm';
import type pg from 'pg';
import { type DelegationId } from './delegation.js';
import { type DelegationUse, type NotedUse } from './delegation-use.js';
import { delegationUseTable } from './delegation-uses.tables.js';

/** Adds the uses that a token endpoint noted, in a fixed order, so that no two replicas deadlock. */
const writeUses = `
insert into delegation_use as u (delegation_id, client_id, audience, scope, times, first_at, last_at)
select "delegationId", "clientId", audience, scope, times, to_timestamp(first / 1000), to_timestamp(last / 1000)
from jsonb_to_recordset($1::jsonb) as w ("delegationId" uuid, "clientId" text, audience text, scope text, times bigint,
  first float8, last float8)
order by 1, 2, 3
on conflict (delegation_id, client_id, audience) do update set
  times = u.times + excluded.times,
  scope = case when excluded.last_at >= u.last_at then excluded.scope else u.scope end,
  last_at = greatest(u.last_at, excluded.last_at)`;

/** The uses of delegations in PostgreSQL. */
@Injectable()
export class DelegationUsesStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POOL) private readonly pool: pg.Pool,
  ) {}

  async add(uses: readonly NotedUse[]): Promise<void> {
    await this.pool.query({ name: 'write-delegation-uses', text: writeUses, values: [JSON.stringify(uses)] });
  }

  /** Of delegations, the last used first. */
  of(ids: readonly DelegationId[]): Promise<readonly DelegationUse[]> {
    return this.database
      .select()
      .from(delegationUseTable)
      .where(inArray(delegationUseTable.delegationId, [...ids]))
      .orderBy(desc(delegationUseTable.lastAt));
  }
}
