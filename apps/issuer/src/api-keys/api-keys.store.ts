import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, waitForLock, type Database, type Transaction } from '@countersign/service-host';
import { and, desc, eq, gt, inArray, isNull, lt, lte, or, sql } from 'drizzle-orm';
import { apiKeyTable, type ApiKeyRow } from './api-keys.tables.js';

/** As `endOf` says it. */
const endOfKey = sql<Date>`least(${apiKeyTable.expiresAt}, ${apiKeyTable.endsAt})`.mapWith(apiKeyTable.expiresAt);

/** What of a key changes. */
export type ApiKeyChange = Partial<
  Pick<ApiKeyRow, 'endsAt' | 'successor' | 'disabledAt' | 'revokedAt' | 'exposedAt' | 'exposedAtService'>
>;

/** The API keys in the database. */
@Injectable()
export class ApiKeysStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Until commit nobody else creates keys for this client, so that the counted limit still holds when the key is stored. */
  async lockClient(transaction: Transaction, clientId: string): Promise<void> {
    await waitForLock(transaction, `api-key ${clientId}`);
  }

  async find(id: string): Promise<ApiKeyRow | undefined> {
    const [row] = await this.database.select().from(apiKeyTable).where(eq(apiKeyTable.id, id));
    return row;
  }

  /** Like {@link find}; until commit nobody else changes the key. */
  async findForChange(transaction: Transaction, id: string): Promise<ApiKeyRow | undefined> {
    const [row] = await transaction.select().from(apiKeyTable).where(eq(apiKeyTable.id, id)).for('update');
    return row;
  }

  /** Those that are neither revoked nor expired, including disabled ones. */
  async holdingPlace(transaction: Transaction, clientId: string, now: Date): Promise<readonly ApiKeyRow[]> {
    return transaction
      .select()
      .from(apiKeyTable)
      .where(
        and(
          eq(apiKeyTable.clientId, clientId),
          isNull(apiKeyTable.revokedAt),
          gt(apiKeyTable.expiresAt, now),
          or(isNull(apiKeyTable.endsAt), gt(apiKeyTable.endsAt, now)),
        ),
      );
  }

  async named(ids: readonly string[]): Promise<readonly ApiKeyRow[]> {
    return this.database
      .select()
      .from(apiKeyTable)
      .where(inArray(apiKeyTable.id, [...ids]));
  }

  /** Newest first. @param before the last id of the previous page */
  async page(clientId: string | undefined, before: string | undefined, limit: number): Promise<readonly ApiKeyRow[]> {
    return this.database
      .select()
      .from(apiKeyTable)
      .where(
        and(
          clientId === undefined ? undefined : eq(apiKeyTable.clientId, clientId),
          before === undefined ? undefined : lt(apiKeyTable.id, before),
        ),
      )
      .orderBy(desc(apiKeyTable.id))
      .limit(limit);
  }

  async insert(transaction: Transaction, key: ApiKeyRow): Promise<void> {
    await transaction.insert(apiKeyTable).values(key);
  }

  async change(transaction: Transaction, id: string, change: ApiKeyChange): Promise<ApiKeyRow> {
    const [row] = await transaction.update(apiKeyTable).set(change).where(eq(apiKeyTable.id, id)).returning();
    if (row === undefined) throw new Error('a locked key must exist');
    return row;
  }

  /** Marks those that expire before a time, have no successor and were not announced. @returns them, each once for all replicas */
  async takeExpiring(transaction: Transaction, now: Date, before: Date, limit: number): Promise<readonly ApiKeyRow[]> {
    const due = transaction
      .select({ id: apiKeyTable.id })
      .from(apiKeyTable)
      .where(
        and(
          isNull(apiKeyTable.warnedAt),
          isNull(apiKeyTable.revokedAt),
          isNull(apiKeyTable.successor),
          gt(apiKeyTable.expiresAt, now),
          lte(apiKeyTable.expiresAt, before),
        ),
      )
      .limit(limit)
      .for('update', { skipLocked: true });
    return transaction.update(apiKeyTable).set({ warnedAt: now }).where(inArray(apiKeyTable.id, due)).returning();
  }

  /** How many of a client's keys, or whether a given one, can be exchanged for tokens. */
  async countUsable(
    { id, clientId }: { readonly id?: string; readonly clientId?: string },
    now: Date,
  ): Promise<number> {
    return this.database.$count(
      apiKeyTable,
      and(
        id === undefined ? undefined : eq(apiKeyTable.id, id),
        clientId === undefined ? undefined : eq(apiKeyTable.clientId, clientId),
        isNull(apiKeyTable.revokedAt),
        isNull(apiKeyTable.disabledAt),
        gt(endOfKey, now),
      ),
    );
  }

  /** Live keys that expire before a time, by their own expiry or after a rotation, earliest first. */
  async ending(clientId: string | undefined, now: Date, before: Date, limit: number): Promise<readonly ApiKeyRow[]> {
    return this.database
      .select()
      .from(apiKeyTable)
      .where(
        and(
          clientId === undefined ? undefined : eq(apiKeyTable.clientId, clientId),
          isNull(apiKeyTable.revokedAt),
          gt(endOfKey, now),
          lt(endOfKey, before),
        ),
      )
      .orderBy(endOfKey, apiKeyTable.id)
      .limit(limit);
  }

  /** Live keys without a successor that expire before a time. */
  async countExpiring(now: Date, before: Date): Promise<number> {
    return this.database.$count(
      apiKeyTable,
      and(
        isNull(apiKeyTable.revokedAt),
        isNull(apiKeyTable.successor),
        gt(apiKeyTable.expiresAt, now),
        lte(apiKeyTable.expiresAt, before),
      ),
    );
  }

  /** Notes uses, to the minute: never earlier than what is known. */
  async markUsed(uses: ReadonlyMap<string, Date>): Promise<void> {
    const ids = [...uses.keys()];
    const times = [...uses.values()].map((time) => time.toISOString());
    await this.database.execute(sql`
      update api_key set last_used_at = used.at
      from unnest(${sql.param(ids)}::uuid[], ${sql.param(times)}::timestamptz[]) as used (id, at)
      where api_key.id = used.id and (api_key.last_used_at is null or api_key.last_used_at < used.at)`);
  }
}
