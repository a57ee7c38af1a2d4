import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, LOGGER, type Database, type Transaction } from '@countersign/service-host';
import { asc, eq, gt, sql } from 'drizzle-orm';
import { type Logger } from 'pino';
import { z } from 'zod';
import { type ClientRecord } from './client-record.js';
import { clientSchema } from './client.js';
import { clientTable } from './clients.tables.js';

type Row = typeof clientTable.$inferSelect;

const registrySchema = z.object({
  rows: z.tuple([
    z.object({
      version: z.coerce.number(),
      revocations: z.coerce.number(),
      issue_after: z.coerce.number(),
      restored_at: z.coerce.number().nullable(),
    }),
  ]),
});
const versionSchema = z.object({ rows: z.tuple([z.object({ version: z.coerce.number() })]) });

export function recordOf(row: Row): ClientRecord {
  const { registration, declared, secrets, removedKeys, disabledAt, disabledBy, createdAt, updatedAt } = row;
  return { registration, declared, secrets, removedKeys, disabledAt, disabledBy, createdAt, updatedAt };
}

/** The registry at one moment. */
export interface RegistryState {
  /** Incremented by each change of clients and keys, and by each revocation of a client or a subject. */
  readonly version: number;
  /** Incremented by each revocation. */
  readonly revocations: number;
  /** Milliseconds since 1970: no token of this version or a later one may carry an earlier time. */
  readonly issueAfter: number;
  /** Milliseconds since 1970 at which the database was found to be restored from a backup, until that is acknowledged. */
  readonly restoredAt: number | undefined;
}

/** The clients in the database. */
@Injectable()
export class ClientsStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Increments the registry's version; until commit nobody else changes clients or keys. @returns the new version */
  async raiseVersion(transaction: Transaction): Promise<number> {
    const answer = await transaction.execute(sql`update registry set version = version + 1 returning version`);
    return versionSchema.parse(answer).rows[0].version;
  }

  /** The version as it is now. */
  async version(executor: Database | Transaction = this.database): Promise<number> {
    return versionSchema.parse(await executor.execute(sql`select version from registry`)).rows[0].version;
  }

  /** Everything a replica needs for decisions. */
  async registry(executor: Database | Transaction): Promise<RegistryState> {
    const answer = await executor.execute(
      sql`select version, revocations, round(extract(epoch from issue_after) * 1000) as issue_after,
        round(extract(epoch from restored_at) * 1000) as restored_at from registry`,
    );
    const {
      version,
      revocations,
      issue_after: issueAfter,
      restored_at: restoredAt,
    } = registrySchema.parse(answer).rows[0];
    return { version, revocations, issueAfter, restoredAt: restoredAt ?? undefined };
  }

  async find(executor: Database | Transaction, clientId: string): Promise<ClientRecord | undefined> {
    const [row] = await executor.select().from(clientTable).where(eq(clientTable.clientId, clientId));
    return row === undefined ? undefined : recordOf(row);
  }

  async all(transaction: Transaction): Promise<ReadonlyMap<string, ClientRecord>> {
    const rows = await transaction.select().from(clientTable);
    return new Map(rows.map((row) => [row.clientId, recordOf(row)]));
  }

  async page(after: string, limit: number): Promise<readonly ClientRecord[]> {
    const rows = await this.database
      .select()
      .from(clientTable)
      .where(gt(clientTable.clientId, after))
      .orderBy(asc(clientTable.clientId))
      .limit(limit);
    return rows.map(recordOf);
  }

  async save(transaction: Transaction, record: ClientRecord, version: number): Promise<void> {
    const { registration, declared, secrets, removedKeys, disabledAt, disabledBy, createdAt, updatedAt } = record;
    const values = {
      registration,
      declared,
      secrets,
      removedKeys,
      disabledAt,
      disabledBy,
      createdAt,
      updatedAt,
      changedIn: version,
    };
    await transaction
      .insert(clientTable)
      .values({ clientId: registration.client_id, ...values })
      .onConflictDoUpdate({ target: clientTable.clientId, set: values });
  }

  /** What changed after a version. A row that this release does not understand is skipped and logged. */
  async changedSince(
    transaction: Transaction,
    version: number,
  ): Promise<readonly (readonly [string, ClientRecord | undefined])[]> {
    const rows = await transaction.select().from(clientTable).where(gt(clientTable.changedIn, version));
    return rows.map((row) => {
      const parsed = clientSchema.safeParse(row.registration);
      if (parsed.success) return [row.clientId, { ...recordOf(row), registration: parsed.data }] as const;
      this.logger.error({ client_id: row.clientId, issues: parsed.error.issues }, 'a registration is not understood');
      return [row.clientId, undefined] as const;
    });
  }
}
