import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { eq, sql } from 'drizzle-orm';
import { type DelegationId } from '../delegations/delegation.js';
import { refreshFamilyTable as table, type RefreshFamilyRow } from './refresh.tables.js';
import { type Family } from './rotation.js';

/** A family as it is kept. */
export interface KeptFamily {
  readonly family: Family;
  readonly salt: string;
}

const keptOf = ({ salt, generation, begunAt, rotations }: RefreshFamilyRow): KeptFamily => ({
  salt,
  family: { generation, begunAt: begunAt.getTime(), rotations },
});

/** Families of refresh tokens in PostgreSQL, which all replicas share. */
@Injectable()
export class RefreshStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async begin(transaction: Transaction, delegationId: DelegationId, salt: string, now: Date): Promise<void> {
    const row = { delegationId, salt, generation: 0, rotations: [], begunAt: now, usedAt: now };
    await transaction.insert(table).values(row);
  }

  async find(id: DelegationId): Promise<KeptFamily | undefined> {
    const [row] = await this.database.select().from(table).where(eq(table.delegationId, id));
    return row === undefined ? undefined : keptOf(row);
  }

  /**
   * A family of a delegation that has not ended. Until the transaction ends, it waits for no other use of the family, and the delegation does not
   * end.
   */
  async lock(transaction: Transaction, id: DelegationId): Promise<KeptFamily | undefined> {
    const { rows } = await transaction.execute(
      sql`select id from delegation where id = ${id} and ended_at is null for share`,
    );
    if (rows.length === 0) return undefined;
    const [row] = await transaction.select().from(table).where(eq(table.delegationId, id)).for('update');
    return row === undefined ? undefined : keptOf(row);
  }

  async rotated(transaction: Transaction, id: DelegationId, family: Family, now: Date): Promise<void> {
    const { generation, rotations } = family;
    await transaction
      .update(table)
      .set({ generation, rotations: [...rotations], usedAt: now })
      .where(eq(table.delegationId, id));
  }

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

  /** Forgets families that were last used, or begun, before these times. @returns how many */
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
