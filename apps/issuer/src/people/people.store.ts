import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, groupedLookUp, type Database, type Transaction } from '@countersign/service-host';
import { and, arrayContains, asc, eq, gt, isNotNull, isNull, sql } from 'drizzle-orm';
import { personTable, type PersonRow } from './people.tables.js';
import { newPersonId, type Person, type PersonId, type ProvidedPerson } from './person.js';

/** A person's row as used by the rest of the issuer. */
export function personOf({ id, name, roles, provider, email }: PersonRow): Person {
  return { id, name, roles, provider, ...(email === null ? {} : { email }) };
}

const byId = (database: Database) =>
  database
    .select()
    .from(personTable)
    .where(sql`${personTable.id} = any (${sql.placeholder('ids')}::text[])`)
    .prepare('people_by_id');

/** Which people an administrator requests. */
export interface PeopleChoice {
  /** Those after this one. */
  readonly cursor?: PersonId | undefined;
  readonly limit: number;
  readonly role?: string | undefined;
  readonly status?: 'active' | 'disabled' | undefined;
}

/** People in PostgreSQL: one row for each (issuer, subject) that ever signed in. */
@Injectable()
export class PeopleStore {
  readonly #byId: ReturnType<typeof byId>;

  constructor(@Inject(DATABASE) private readonly database: Database) {
    this.#byId = byId(database);
  }

  /**
   * The person in a provider's response, created or refreshed from it. Concurrent first sign-ins of one person create one row.
   * @returns the row; `before`: the row as it was, undefined for somebody new
   */
  async refresh(
    transaction: Transaction,
    provided: ProvidedPerson,
    now: Date,
  ): Promise<{ readonly row: PersonRow; readonly before: PersonRow | undefined }> {
    const { issuer, subject, provider, name, email = null } = provided;
    const roles = [...provided.roles];
    const said = { provider, name, email, roles, signedInAt: now };
    const [made] = await transaction
      .insert(personTable)
      .values({ id: newPersonId(now.getTime()), issuer, subject, ...said, createdAt: now })
      .onConflictDoNothing({ target: [personTable.issuer, personTable.subject] })
      .returning();
    if (made !== undefined) return { row: made, before: undefined };
    const link = and(eq(personTable.issuer, issuer), eq(personTable.subject, subject));
    const [before] = await transaction.select().from(personTable).where(link).for('update');
    if (before === undefined) throw new Error('a person who existed is gone');
    // A disabled person's row is not changed: a refused sign-in leaves no trace in it.
    if (before.disabledAt !== null) return { row: before, before };
    const [row] = await transaction.update(personTable).set(said).where(eq(personTable.id, before.id)).returning();
    if (row === undefined) throw new Error('a person who was locked is gone');
    return { row, before };
  }

  /** The names of people, by id; unknown ids are left out. */
  async namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map();
    const rows = await this.database
      .select({ id: personTable.id, name: personTable.name })
      .from(personTable)
      .where(sql`${personTable.id} = any (${sql.param([...new Set(ids)])}::text[])`);
    return new Map(rows.map(({ id, name }) => [id, name]));
  }

  /** Concurrent calls share one statement. */
  readonly find = groupedLookUp(async (ids: readonly PersonId[]): Promise<ReadonlyMap<PersonId, PersonRow>> => {
    const rows = await this.#byId.execute({ ids });
    return new Map(rows.map((row) => [row.id, row]));
  });

  /** The person that a provider refers to. */
  async findBySubject(issuer: string, subject: string): Promise<PersonRow | undefined> {
    const link = and(eq(personTable.issuer, issuer), eq(personTable.subject, subject));
    const [row] = await this.database.select().from(personTable).where(link);
    return row;
  }

  /** People by id, that is, by first sign-in. */
  page({ cursor, limit, role, status }: PeopleChoice): Promise<PersonRow[]> {
    return this.database
      .select()
      .from(personTable)
      .where(
        and(
          cursor === undefined ? undefined : gt(personTable.id, cursor),
          role === undefined ? undefined : arrayContains(personTable.roles, [role]),
          status === undefined ? undefined : (status === 'active' ? isNull : isNotNull)(personTable.disabledAt),
        ),
      )
      .orderBy(asc(personTable.id))
      .limit(limit);
  }

  /** Locks a person's row until the transaction ends, so that they cannot sign in in the meantime. */
  async lock(transaction: Transaction, id: PersonId): Promise<PersonRow | undefined> {
    const [row] = await transaction.select().from(personTable).where(eq(personTable.id, id)).for('update');
    return row;
  }

  /** @param by who disables; nothing changes if the person is already disabled */
  async disable(transaction: Transaction, id: PersonId, by: string, now: Date): Promise<void> {
    const active = and(eq(personTable.id, id), isNull(personTable.disabledAt));
    await transaction.update(personTable).set({ disabledAt: now, disabledBy: by }).where(active);
  }

  async enable(transaction: Transaction, id: PersonId): Promise<void> {
    await transaction.update(personTable).set({ disabledAt: null, disabledBy: null }).where(eq(personTable.id, id));
  }
}
