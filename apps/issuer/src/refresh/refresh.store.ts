import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, groupedLookUp, type Database, type Transaction } from '@countersign/service-host';
import { eq, sql } from 'drizzle-orm';
import { type Delegation, type DelegationId } from '../delegations/delegation.js';
import { delegationOf } from '../delegations/delegations.store.js';
import { delegationTable } from '../delegations/delegations.tables.js';
import { personTable, type PersonRow } from '../people/people.tables.js';
import { refreshFamilyTable as table, type RefreshFamilyRow } from './refresh.tables.js';
import { type Family } from './rotation.js';

/** A family as it is kept, with what it is of. */
export interface KeptFamily {
  readonly family: Family;
  readonly salt: string;
  readonly delegation: Delegation;
  /** Of the delegation; nothing once they are forgotten. */
  readonly person: PersonRow | undefined;
}

const byDelegation = (database: Database) =>
  database
    .select({ family: table, delegation: delegationTable, person: personTable })
    .from(table)
    .innerJoin(delegationTable, eq(delegationTable.id, table.delegationId))
    .leftJoin(personTable, eq(personTable.id, delegationTable.personId))
    .where(sql`${table.delegationId} = any (${sql.placeholder('ids')}::uuid[])`)
    .prepare('refresh_families');

const familyOf = ({ generation, begunAt, rotations }: RefreshFamilyRow): Family => ({
  generation,
  begunAt: begunAt.getTime(),
  rotations,
});

/** Families of refresh tokens in PostgreSQL, which all replicas share. */
@Injectable()
export class RefreshStore {
  readonly #byDelegation: ReturnType<typeof byDelegation>;

  constructor(@Inject(DATABASE) private readonly database: Database) {
    this.#byDelegation = byDelegation(database);
  }

  /** Concurrent calls share one statement. */
  readonly find = groupedLookUp(
    async (ids: readonly DelegationId[]): Promise<ReadonlyMap<DelegationId, KeptFamily>> => {
      const rows = await this.#byDelegation.execute({ ids });
      const found = new Map<DelegationId, KeptFamily>();
      for (const { family, delegation, person } of rows) {
        const of = { delegation: delegationOf(delegation), person: person ?? undefined };
        found.set(family.delegationId, { ...of, salt: family.salt, family: familyOf(family) });
      }
      return found;
    },
  );

  /**
   * Delegations of which nothing can live any more: without a refresh token that could still be used, where the last access token is over too. They
   * are locked until the transaction ends.
   * @param before no access token from before this time is live
   * @param sessions of the issuer's sessions: seconds without use, and in any case
   */
  async expired(
    transaction: Transaction,
    before: Date,
    sessions: { readonly idle: number; readonly life: number },
    limit: number,
  ): Promise<readonly DelegationId[]> {
    const then = sql`${before.toISOString()}::timestamptz`;
    const { rows } = await transaction.execute<{ id: DelegationId }>(sql`
      select d.id from delegation d
      where d.ended_at is null and d.created_at < ${then} and (
        not exists (select from refresh_family f where f.delegation_id = d.id)
        or (not d.scopes ? 'offline_access' and not exists (
          select from session s where s.id::text = d.session_id and (s.ended_at is null or s.ended_at > ${then})
            and s.seen_at > ${then} - make_interval(secs => ${sessions.idle})
            and s.created_at > ${then} - make_interval(secs => ${sessions.life})
        ))
      )
      limit ${limit} for update of d skip locked`);
    return rows.map(({ id }) => id);
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
