import { Inject, Injectable } from '@nestjs/common';
import {
  DATABASE,
  groupedLookUp,
  millisecondsOf,
  POOL,
  timeOfMilliseconds,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { sql, type SQL } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';
import { delegationIdSchema, type Delegation, type DelegationId } from '../delegations/delegation.js';
import { type PersonRow } from '../people/people.tables.js';
import { type PersonId } from '../people/person.js';
import { type Family } from './rotation.js';

/** A stored family, with its delegation. */
export interface KeptFamily {
  readonly family: Family;
  readonly salt: string;
  readonly delegation: Delegation;
  /** Of the delegation; undefined once they are deleted. */
  readonly person: PersonRow | undefined;
}

/** A family as read for the token endpoint: raw rows, which are far cheaper than mapped ones. Times in milliseconds. */
interface FamilyRow {
  readonly id: DelegationId;
  readonly salt: string;
  readonly generation: number;
  readonly rotations: readonly number[];
  readonly begun: number;
  readonly person_id: PersonId;
  readonly client_id: string;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly session_id: string;
  readonly auth_time: number;
  readonly acr: string | null;
  readonly amr: readonly string[];
  readonly roles: readonly string[];
  readonly nonce: string | null;
  readonly dpop_key: string | null;
  readonly created: number;
  readonly ended: number | null;
  readonly person: PersonValues | null;
}

/** As `jsonb_build_array` gives them. */
type PersonValues = readonly [
  ...[issuer: string, subject: string, provider: string, name: string, email: string | null, roles: string[]],
  ...[disabled: number | null, disabledBy: string | null, created: number, signedIn: number],
];

/** Both tables are filtered by the ids: with a join on one of them, PostgreSQL would read a delegation table of some thousand rows completely. */
const byDelegation = {
  name: 'refresh-families',
  text: `
    select d.id, f.salt, f.generation, f.rotations, ${millisecondsOf('f.begun_at')} as begun, d.person_id, d.client_id, d.audience, d.scopes,
      d.session_id, ${millisecondsOf('d.auth_time')} as auth_time, d.acr, d.amr, d.roles, d.nonce, d.dpop_key,
      ${millisecondsOf('d.created_at')} as created, ${millisecondsOf('d.ended_at')} as ended,
      case when p.id is not null then jsonb_build_array(p.issuer, p.subject, p.provider, p.name, p.email, p.roles,
        ${millisecondsOf('p.disabled_at')}, p.disabled_by, ${millisecondsOf('p.created_at')}, ${millisecondsOf('p.signed_in_at')}) end as person
    from refresh_family f join delegation d on d.id = f.delegation_id left join person p on p.id = d.person_id
    where f.delegation_id = any ($1::uuid[]) and d.id = any ($1::uuid[])`,
};

function personOf(id: PersonId, values: PersonValues): PersonRow {
  const [issuer, subject, provider, name, email, roles, disabled, disabledBy, created, signedIn] = values;
  const disabledAt = timeOfMilliseconds(disabled) ?? null;
  const times = { disabledAt, createdAt: new Date(created), signedInAt: new Date(signedIn) };
  return { id, issuer, subject, provider, name, email, roles, disabledBy, ...times };
}

function keptOf(row: FamilyRow): KeptFamily {
  return {
    salt: row.salt,
    family: { generation: row.generation, begunAt: row.begun, rotations: row.rotations },
    person: row.person === null ? undefined : personOf(row.person_id, row.person),
    delegation: {
      id: row.id,
      personId: row.person_id,
      clientId: row.client_id,
      audience: row.audience,
      scopes: row.scopes,
      sessionId: row.session_id,
      authTime: new Date(row.auth_time),
      acr: row.acr ?? undefined,
      amr: row.amr,
      roles: row.roles,
      nonce: row.nonce ?? undefined,
      dpopKey: row.dpop_key ?? undefined,
      createdAt: new Date(row.created),
      endedAt: timeOfMilliseconds(row.ended),
    },
  };
}

const expiredRows = z.array(z.object({ id: delegationIdSchema }));
const portionRows = z.tuple([z.object({ last: delegationIdSchema.nullable(), expired: z.array(delegationIdSchema) })]);

/** How long the issuer's sessions last: seconds without use, and in any case. */
interface SessionSeconds {
  readonly idle: number;
  readonly life: number;
}

/** Of a live delegation `d`. */
function isExpired(before: Date, { idle, life }: SessionSeconds): SQL {
  const then = sql`${before.toISOString()}::timestamptz`;
  return sql`d.created_at < ${then} and (
    not exists (select from refresh_family f where f.delegation_id = d.id)
    or (not d.scopes ? 'offline_access' and not exists (
      select from session s where s.id::text = d.session_id and (s.ended_at is null or s.ended_at > ${then})
        and s.seen_at > ${then} - make_interval(secs => ${idle}) and s.created_at > ${then} - make_interval(secs => ${life})
    ))
  )`;
}

/** Families of refresh tokens in PostgreSQL, which all replicas share. */
@Injectable()
export class RefreshStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(POOL) private readonly pool: pg.Pool,
  ) {}

  /** Concurrent calls share one statement. */
  readonly find = groupedLookUp(
    async (ids: readonly DelegationId[]): Promise<ReadonlyMap<DelegationId, KeptFamily>> => {
      const { rows } = await this.pool.query<FamilyRow>({ ...byDelegation, values: [ids] });
      return new Map(rows.map((row) => [row.id, keptOf(row)]));
    },
  );

  /**
   * A portion of the live delegations in the order of their ids, and those of it that are {@link expired}, not locked.
   * @param after the last one of the previous portion
   * @returns no `last` when none come after it
   */
  async portion(
    before: Date,
    sessions: SessionSeconds,
    after: DelegationId | undefined,
    limit: number,
  ): Promise<{ readonly last: DelegationId | undefined; readonly expired: readonly DelegationId[] }> {
    const { rows } = await this.database.execute(sql`
      with d as materialized (
        select id, scopes, session_id, created_at from delegation
        where ended_at is null and (${after ?? null}::uuid is null or id > ${after ?? null}::uuid) order by id limit ${limit}
      )
      select case when (select count(*) from d) = ${limit} then (select id from d order by id desc limit 1) end as last,
        array(select id from d where ${isExpired(before, sessions)} order by id) as expired`);
    const { last, expired } = portionRows.parse(rows)[0];
    return { last: last ?? undefined, expired };
  }

  /**
   * Which of these delegations can no longer yield tokens: they have no refresh token that could still be used, and the last access token has expired
   * too. They are locked until the transaction ends.
   * @param before no access token from before this time is live
   */
  async expired(
    transaction: Transaction,
    among: readonly DelegationId[],
    before: Date,
    sessions: SessionSeconds,
  ): Promise<readonly DelegationId[]> {
    const { rows } = await transaction.execute(sql`
      select d.id from delegation d
      where d.id = any (${sql.param([...among])}::uuid[]) and d.ended_at is null and ${isExpired(before, sessions)}
      for update of d skip locked`);
    return expiredRows.parse(rows).map(({ id }) => id);
  }

  /** Deletes families that were last used, or started, before these times. @returns how many */
  async prune(usedBefore: Date, begunBefore: Date, limit: number): Promise<number> {
    const { rowCount } = await this.database.execute(sql`
      delete from refresh_family where delegation_id in (
        select delegation_id from refresh_family
        where used_at < ${usedBefore.toISOString()}::timestamptz or begun_at < ${begunBefore.toISOString()}::timestamptz
        limit ${limit}
      )`);
    return rowCount ?? 0;
  }
}
