import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, waitForLock, type Database, type Transaction } from '@countersign/service-host';
import { and, desc, eq, isNull } from 'drizzle-orm';
import { consentTable as table } from './consent.tables.js';

/** What a person has consented to for one application and service. */
export interface Consent {
  readonly id: string;
  readonly clientId: string;
  readonly audience: string;
  readonly version: number;
  readonly scopes: readonly string[];
  readonly givenAt: Date;
}

/** Whose consent, for which application, at which service. */
export interface ConsentKey {
  readonly personId: string;
  readonly clientId: string;
  readonly audience: string;
}

const columns = {
  id: table.id,
  clientId: table.clientId,
  audience: table.audience,
  version: table.version,
  scopes: table.scopes,
  givenAt: table.givenAt,
};

/** Consents in PostgreSQL: each version is kept, to show later what a person agreed to, and when. */
@Injectable()
export class ConsentsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The current one: the newest that is not withdrawn. */
  async current(
    { personId, clientId, audience }: ConsentKey,
    executor: Database | Transaction = this.database,
  ): Promise<Consent | undefined> {
    const of = and(eq(table.personId, personId), eq(table.clientId, clientId), eq(table.audience, audience));
    const [row] = await executor
      .select(columns)
      .from(table)
      .where(and(of, isNull(table.withdrawnAt)))
      .orderBy(desc(table.version))
      .limit(1);
    return row;
  }

  /**
   * Serialises changes of what a person grants an application until the transaction ends: with `change` nobody else grants, uses or withdraws it,
   * without it nobody changes it.
   */
  async hold(
    transaction: Transaction,
    { personId, clientId }: Omit<ConsentKey, 'audience'>,
    why: 'use' | 'change',
  ): Promise<void> {
    await waitForLock(transaction, `consent ${personId} ${clientId}`, why === 'change' ? 'exclusive' : 'shared');
  }

  /** Adds the next version; {@link hold} it before. @returns the version */
  async add(
    transaction: Transaction,
    { personId, clientId, audience }: ConsentKey,
    what: { readonly id: string; readonly scopes: readonly string[]; readonly shown: object; readonly givenAt: Date },
  ): Promise<number> {
    const of = and(eq(table.personId, personId), eq(table.clientId, clientId), eq(table.audience, audience));
    const [last] = await transaction
      .select({ version: table.version })
      .from(table)
      .where(of)
      .orderBy(desc(table.version))
      .limit(1);
    const version = (last?.version ?? 0) + 1;
    const { id, scopes, shown, givenAt } = what;
    await transaction
      .insert(table)
      .values({ id, personId, clientId, audience, version, scopes: [...scopes], shown, givenAt });
    return version;
  }

  /** Withdraws everything that a person granted an application. @returns the consents that were current, the newest for each service */
  async withdraw(transaction: Transaction, personId: string, clientId: string, now: Date): Promise<readonly Consent[]> {
    const rows = await transaction
      .update(table)
      .set({ withdrawnAt: now })
      .where(and(eq(table.personId, personId), eq(table.clientId, clientId), isNull(table.withdrawnAt)))
      .returning(columns);
    const newest = new Map<string, Consent>();
    for (const row of rows) if (row.version > (newest.get(row.audience)?.version ?? 0)) newest.set(row.audience, row);
    return [...newest.values()];
  }

  /** What a person has consented to: the newest consent for each application and service, by application. */
  async ofPerson(personId: string, limit: number): Promise<readonly Consent[]> {
    return this.database
      .selectDistinctOn([table.clientId, table.audience], columns)
      .from(table)
      .where(and(eq(table.personId, personId), isNull(table.withdrawnAt)))
      .orderBy(table.clientId, table.audience, desc(table.version))
      .limit(limit);
  }
}
