import { Inject, Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  Background,
  CLOCK,
  DATABASE,
  POOL,
  type BackgroundHandle,
  type Database,
} from '@countersign/service-host';
import { desc, inArray, sql } from 'drizzle-orm';
import type pg from 'pg';
import { events } from '../events.js';
import { delegationIdSchema, type DelegationId } from './delegation.js';
import { delegationUseTable } from './delegation-uses.tables.js';

const WRITE_EVERY_MS = 1_000;
/** Uses that wait to be written; beyond that they are written at once. */
const WAITING_LIMIT = 500;
/** Forgotten at once: rows whose delegation is gone. */
const FORGET_AT_ONCE = 1_000;

/** What a delegation was used for: tokens for a service, got by the application itself or by a service in exchange for its token. */
export interface DelegationUse {
  readonly delegationId: DelegationId;
  readonly clientId: string;
  readonly audience: string;
  /** Of the last token. */
  readonly scope: string;
  readonly times: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** A use that waits to be written; times in milliseconds since 1970. */
interface NotedUse extends Omit<DelegationUse, 'times' | 'firstAt' | 'lastAt'> {
  readonly times: number;
  readonly first: number;
  readonly last: number;
}

const issued = events.typeOf('token.issued');

/** A token that was issued on the ground of a delegation. @returns undefined for any other event */
function useOf({
  type,
  data,
}: NewAuditEvent): Pick<DelegationUse, 'delegationId' | 'clientId' | 'audience' | 'scope'> | undefined {
  const { principal, txn, changes } = data;
  if (type !== issued || txn === null || principal === null || !principal.subject.startsWith('person:'))
    return undefined;
  const id = delegationIdSchema.safeParse(txn);
  const audience = changes?.['audience'];
  if (!id.success || typeof audience !== 'string') return undefined;
  return { delegationId: id.data, clientId: principal.client_id, audience, scope: principal.scopes.join(' ') };
}

/** Adds what a token endpoint noted, in one order, so that no two replicas wait for each other. */
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

/**
 * What people see of how applications use what they allowed, from the records of issued tokens. It decides nothing, so it is written a moment
 * after the token: a process that is killed may lose its last second of it, never of the trail.
 */
@Injectable()
export class DelegationUses implements OnModuleInit, BeforeApplicationShutdown {
  readonly #waiting = new Map<string, NotedUse>();
  #handle: BackgroundHandle | undefined;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(Background) private readonly background: Background,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  onModuleInit(): void {
    this.outbox.onEvent((event) => {
      this.#note(event);
    });
    this.#handle = this.background.repeat({
      name: 'delegation_uses',
      everyMs: WRITE_EVERY_MS,
      run: async () => {
        await this.write();
        return undefined;
      },
    });
    this.background.repeat({
      name: 'forgotten_delegation_uses',
      everyMs: 300_000,
      run: async () => {
        const { rowCount } = await this.database.execute(sql`
          delete from delegation_use where delegation_id in (
            select delegation_id from delegation_use u
            where not exists (select from delegation d where d.id = u.delegation_id) limit ${FORGET_AT_ONCE}
          )`);
        return (rowCount ?? 0) >= FORGET_AT_ONCE ? 'again' : undefined;
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.write();
  }

  /** Writes what waits. What could not be written waits on. */
  async write(): Promise<void> {
    const uses = [...this.#waiting.values()];
    if (uses.length === 0) return;
    this.#waiting.clear();
    try {
      await this.pool.query({ name: 'write-delegation-uses', text: writeUses, values: [JSON.stringify(uses)] });
    } catch (error) {
      for (const use of uses) this.#add(use);
      throw error;
    }
  }

  /** Of delegations, the last used first. */
  of(ids: readonly DelegationId[]): Promise<readonly DelegationUse[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.database
      .select()
      .from(delegationUseTable)
      .where(inArray(delegationUseTable.delegationId, [...ids]))
      .orderBy(desc(delegationUseTable.lastAt))
      .limit(1_000);
  }

  #note(event: NewAuditEvent): void {
    const use = useOf(event);
    if (use === undefined) return;
    const now = this.clock().getTime();
    this.#add({ ...use, times: 1, first: now, last: now });
    if (this.#waiting.size >= WAITING_LIMIT) this.#handle?.wake();
  }

  /** Counts a use. What could not be written is added again to what came after it. */
  #add(use: NotedUse): void {
    const key = `${use.delegationId} ${use.clientId} ${use.audience}`;
    const known = this.#waiting.get(key);
    if (known !== undefined) {
      const { times } = known;
      const newest = use.last >= known.last ? use : known;
      const first = Math.min(use.first, known.first);
      this.#waiting.set(key, { ...newest, times: times + use.times, first });
    } else if (this.#waiting.size < 20 * WAITING_LIMIT) this.#waiting.set(key, use);
  }
}
