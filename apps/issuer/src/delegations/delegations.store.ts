import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { and, asc, desc, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm';
import { type Delegation, type DelegationEnd, type DelegationId } from './delegation.js';
import { delegationTable, type DelegationRow } from './delegations.tables.js';

export function delegationOf(row: DelegationRow): Delegation {
  const { id, personId, clientId, audience, scopes, sessionId, authTime, amr, roles, createdAt } = row;
  return {
    ...{ id, personId, clientId, audience, scopes, sessionId, authTime, amr, roles, createdAt },
    acr: row.acr ?? undefined,
    nonce: row.nonce ?? undefined,
    dpopKey: row.dpopKey ?? undefined,
    endedAt: row.endedAt ?? undefined,
  };
}

/** Which delegations to select. */
export type DelegationChoice =
  | { readonly id: DelegationId }
  | { readonly ids: readonly DelegationId[] }
  /** `online`: only those without `offline_access`. */
  | { readonly sessionId: string; readonly online?: boolean }
  /** `before`: those that started before. */
  | { readonly personId: string; readonly clientId?: string; readonly before?: Date }
  | { readonly clientId: string; readonly before?: Date };

function whereOf(choice: DelegationChoice) {
  if ('id' in choice) return eq(delegationTable.id, choice.id);
  if ('ids' in choice) return inArray(delegationTable.id, [...choice.ids]);
  if ('sessionId' in choice) {
    const inSession = eq(delegationTable.sessionId, choice.sessionId);
    return choice.online === true ? and(inSession, sql`not ${delegationTable.scopes} ? 'offline_access'`) : inSession;
  }
  const { clientId, before } = choice;
  return and(
    'personId' in choice ? eq(delegationTable.personId, choice.personId) : undefined,
    clientId === undefined ? undefined : eq(delegationTable.clientId, clientId),
    before === undefined ? undefined : lt(delegationTable.createdAt, before),
  );
}

/** What people allowed applications, in the database. */
@Injectable()
export class DelegationsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async find(id: DelegationId, executor: Database | Transaction = this.database): Promise<Delegation | undefined> {
    const [row] = await executor.select().from(delegationTable).where(eq(delegationTable.id, id));
    return row === undefined ? undefined : delegationOf(row);
  }

  /** Those with these ids, in the same order. */
  async named(ids: readonly DelegationId[]): Promise<readonly Delegation[]> {
    if (ids.length === 0) return [];
    const rows = await this.database
      .select()
      .from(delegationTable)
      .where(inArray(delegationTable.id, [...ids]));
    const found = new Map(rows.map((row) => [row.id, delegationOf(row)]));
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  /** Those of a person that have not ended, newest first. */
  async ofPerson(
    personId: string,
    limit: number,
    executor: Database | Transaction = this.database,
  ): Promise<readonly Delegation[]> {
    const rows = await executor
      .select()
      .from(delegationTable)
      .where(and(eq(delegationTable.personId, personId), isNull(delegationTable.endedAt)))
      .orderBy(desc(delegationTable.id))
      .limit(limit);
    return rows.map(delegationOf);
  }

  /** Those that have not ended, newest first. @param before the last id of the previous page */
  async page(
    { personId, clientId }: { readonly personId?: string | undefined; readonly clientId?: string | undefined },
    before: DelegationId | undefined,
    limit: number,
  ): Promise<readonly Delegation[]> {
    const rows = await this.database
      .select()
      .from(delegationTable)
      .where(
        and(
          isNull(delegationTable.endedAt),
          personId === undefined ? undefined : eq(delegationTable.personId, personId),
          clientId === undefined ? undefined : eq(delegationTable.clientId, clientId),
          before === undefined ? undefined : lt(delegationTable.id, before),
        ),
      )
      .orderBy(desc(delegationTable.id))
      .limit(limit);
    return rows.map(delegationOf);
  }

  /**
   * The ids of the selected ones that have not ended, in order.
   * @param after the last one of the previous portion
   * @param limit maximum number; all by default
   */
  async liveIds(
    choice: DelegationChoice,
    { after, limit }: { readonly after?: DelegationId | undefined; readonly limit?: number } = {},
  ): Promise<readonly DelegationId[]> {
    const all = this.database
      .select({ id: delegationTable.id })
      .from(delegationTable)
      .where(
        and(
          whereOf(choice),
          isNull(delegationTable.endedAt),
          after === undefined ? undefined : gt(delegationTable.id, after),
        ),
      )
      .orderBy(asc(delegationTable.id));
    const rows = await (limit === undefined ? all : all.limit(limit));
    return rows.map(({ id }) => id);
  }

  /** How many of the selected ones have not ended. */
  countLive(choice: DelegationChoice): Promise<number> {
    return this.database.$count(delegationTable, and(whereOf(choice), isNull(delegationTable.endedAt)));
  }

  /** Ends those that have not ended. @returns them, as they are now */
  async end(
    transaction: Transaction,
    choice: DelegationChoice,
    because: DelegationEnd,
    now: Date,
  ): Promise<readonly Delegation[]> {
    const rows = await transaction
      .update(delegationTable)
      .set({ endedAt: now, endedBecause: because })
      .where(and(whereOf(choice), isNull(delegationTable.endedAt)))
      .returning();
    return rows.map(delegationOf);
  }

  /** Deletes those that ended before a time, with their uses. @returns how many */
  async prune(before: Date, limit: number): Promise<number> {
    const { rowCount } = await this.database.execute(sql`
      with gone as (
        delete from delegation where id in (
          select id from delegation where ended_at < ${before.toISOString()}::timestamptz limit ${limit}
        ) returning id
      ), uses as (
        delete from delegation_use where delegation_id in (select id from gone)
      )
      select id from gone`);
    return rowCount ?? 0;
  }
}
