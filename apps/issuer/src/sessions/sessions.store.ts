import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, deleteInPortions, type Database, type Transaction } from '@countersign/service-host';
import { and, desc, eq, gt, isNull, lt, lte, ne, type SQL } from 'drizzle-orm';
import { personTable, type PersonRow } from '../people/people.tables.js';
import { type PersonId } from '../people/person.js';
import { type SessionEnd, type SessionId, type SessionTimes } from './session.js';
import { sessionTable, type SessionRow } from './sessions.tables.js';

const secondsBefore = (now: Date, seconds: number): Date => new Date(now.getTime() - seconds * 1_000);

/** The condition that a session is live. */
function live(now: Date, times: SessionTimes): SQL | undefined {
  const { seenAfter, createdAfter } = liveSince(now, times);
  return and(
    isNull(sessionTable.endedAt),
    gt(sessionTable.seenAt, seenAfter),
    gt(sessionTable.createdAt, createdAfter),
  );
}

/** The times that {@link liveSession} compares with. */
export function liveSince(now: Date, { idle, life }: SessionTimes) {
  return { seenAfter: secondsBefore(now, idle), createdAfter: secondsBefore(now, life) };
}

/** The condition that a session is live, for a statement that starts something in it. @param seenAfter one of its parameters, such as `$1` */
export function liveSession(seenAfter: string, createdAfter: string): string {
  return `(ended_at is null and seen_at > ${seenAfter}::timestamptz and created_at > ${createdAfter}::timestamptz)`;
}

/** What a session is found by. */
export interface SessionsFilter {
  readonly id?: SessionId;
  readonly personId?: PersonId;
  readonly issuer?: string;
  readonly providerSession?: string;
  /** Those that started before. */
  readonly before?: Date;
  /** Those whose person authenticated with the provider at or before this time. */
  readonly authenticatedUntil?: Date;
  /** Not this one. */
  readonly except?: SessionId;
}

/** Sessions in PostgreSQL, which all replicas share: a session that ends is ended for all of them. */
@Injectable()
export class SessionsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async insert(transaction: Transaction, row: SessionRow): Promise<void> {
    await transaction.insert(sessionTable).values(row);
  }

  /** The live session of a cookie, with its person, unless the person is disabled. */
  async find(
    secretDigest: string,
    now: Date,
    times: SessionTimes,
    executor: Database | Transaction = this.database,
  ): Promise<{ readonly session: SessionRow; readonly person: PersonRow } | undefined> {
    const [found] = await executor
      .select({ session: sessionTable, person: personTable })
      .from(sessionTable)
      .innerJoin(personTable, eq(personTable.id, sessionTable.personId))
      .where(and(eq(sessionTable.secretDigest, secretDigest), live(now, times), isNull(personTable.disabledAt)));
    return found;
  }

  /** Notes that a session was used. */
  async see(id: SessionId, now: Date): Promise<void> {
    await this.database
      .update(sessionTable)
      .set({ seenAt: now })
      .where(and(eq(sessionTable.id, id), isNull(sessionTable.endedAt), lt(sessionTable.seenAt, now)));
  }

  /** The session continues under another secret, by a new sign-in of its person. @returns whether it was still there */
  async renew(
    transaction: Transaction,
    id: SessionId,
    proof: Pick<
      SessionRow,
      'secretDigest' | 'issuer' | 'providerSession' | 'providerHint' | 'authenticatedAt' | 'acr' | 'amr'
    >,
    now: Date,
  ): Promise<boolean> {
    const renewed = await transaction
      .update(sessionTable)
      .set({ ...proof, createdAt: now, seenAt: now })
      .where(and(eq(sessionTable.id, id), isNull(sessionTable.endedAt)))
      .returning({ id: sessionTable.id });
    return renewed.length > 0;
  }

  /** Ends live sessions. @returns those that this call ended */
  end(
    transaction: Transaction,
    { id, personId, issuer, providerSession, before, authenticatedUntil, except }: SessionsFilter,
    by: SessionEnd,
    now: Date,
  ): Promise<SessionRow[]> {
    if (id === undefined && personId === undefined && providerSession === undefined)
      throw new TypeError('which sessions?');
    return transaction
      .update(sessionTable)
      .set({ endedAt: now, endedBy: by, providerHint: null })
      .where(
        and(
          isNull(sessionTable.endedAt),
          id === undefined ? undefined : eq(sessionTable.id, id),
          personId === undefined ? undefined : eq(sessionTable.personId, personId),
          issuer === undefined ? undefined : eq(sessionTable.issuer, issuer),
          before === undefined ? undefined : lt(sessionTable.createdAt, before),
          authenticatedUntil === undefined ? undefined : lte(sessionTable.authenticatedAt, authenticatedUntil),
          except === undefined ? undefined : ne(sessionTable.id, except),
          providerSession === undefined ? undefined : eq(sessionTable.providerSession, providerSession),
        ),
      )
      .returning();
  }

  /** A person's live sessions, most recently used first. */
  liveOf(
    personId: PersonId,
    now: Date,
    times: SessionTimes,
    limit: number,
    executor: Database | Transaction = this.database,
  ): Promise<SessionRow[]> {
    return executor
      .select()
      .from(sessionTable)
      .where(and(eq(sessionTable.personId, personId), live(now, times)))
      .orderBy(desc(sessionTable.seenAt), desc(sessionTable.id))
      .limit(limit);
  }

  async isLive(id: SessionId, now: Date, times: SessionTimes): Promise<boolean> {
    return (await this.database.$count(sessionTable, and(eq(sessionTable.id, id), live(now, times)))) > 0;
  }

  countLive(personId: PersonId, now: Date, times: SessionTimes): Promise<number> {
    return this.database.$count(sessionTable, and(eq(sessionTable.personId, personId), live(now, times)));
  }

  /**
   * Deletes sessions that had ended before a time. Selected by their last use, which has an index: an ended session is no longer used, so
   * it is found a little later. @param signal ends it early @returns how many
   */
  forget(before: Date, { idle, life }: SessionTimes, signal?: AbortSignal): Promise<number> {
    const unusedSince = secondsBefore(before, Math.min(idle, life));
    return deleteInPortions(this.database.$client, 'session', 'seen_at < $1', [unusedSince], signal);
  }
}
