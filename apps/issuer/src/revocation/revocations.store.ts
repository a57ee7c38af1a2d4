import { Inject, Injectable } from '@nestjs/common';
import { isByTime, revokedName, type Revocation, type Revoked } from '@countersign/auth-core';
import { bucketKeyOf, type Statement } from '@countersign/revocation-feed';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { and, asc, count, desc, eq, inArray, isNotNull, isNull, lt, lte, or, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';
import { MARGIN_SECONDS } from '../registry/listed-revocation.js';
import { matters } from '../registry/listed-revocations.store.js';
import { revocationTable, type RevocationRow } from '../registry/revocations.tables.js';
import { type Moment } from './revocation.js';
import { sharedCapacityKinds } from './capacity.js';

/** Rows that one check reads. */
const ROWS_LIMIT = 1_000;

const date = (seconds: number): Date => new Date(Math.round(seconds * 1_000));

/** A change's position in the order of all changes, and its time. */
export interface Turn extends Moment {
  readonly number: number;
}

const turnSchema = z.object({
  rows: z.tuple([z.object({ number: z.coerce.number(), now: z.coerce.number(), issued_until: z.coerce.number() })]),
});

const ofTokens = inArray(revocationTable.kind, sharedCapacityKinds);

/** The revocations in the database, which are authoritative; the bucket is a copy. */
@Injectable()
export class RevocationsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /**
   * Takes the next turn; until commit nobody else changes revocations, clients or keys. A kind that distinguishes tokens by issue time also
   * increments the registry's version, and the time in later tokens: a token is committed under the version in which it was decided, so none with
   * an earlier time can follow. Clock differences within the tolerance do not matter.
   */
  async takeTurn(transaction: Transaction, revoked: Pick<Revoked, 'kind'>): Promise<Turn> {
    const byTime = isByTime(revoked);
    const answer = await transaction.execute(sql`
      update registry set
        revocations = revocations + 1,
        version = version + ${byTime ? 1 : 0},
        issue_after = case when ${byTime} then greatest(
          issue_after + interval '1 millisecond',
          date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${CLOCK_TOLERANCE_SECONDS})
        ) else issue_after end
      returning revocations as number, extract(epoch from clock_timestamp()) as now,
        round(extract(epoch from issue_after) * 1000) / 1000 as issued_until`);
    const { number, now, issued_until: issuedUntil } = turnSchema.parse(answer).rows[0];
    return { number, now, issuedUntil };
  }

  /** Adds a revocation, or extends an existing one. */
  async add(
    transaction: Transaction,
    revocation: Revocation,
    turn: Turn,
    by: { readonly who: string; readonly reason: string | undefined },
    further: { readonly holder?: string | undefined; readonly replaces?: number | undefined } = {},
  ): Promise<RevocationRow> {
    const issuedBefore = 'issuedBefore' in revocation ? date(revocation.issuedBefore) : null;
    const changes = {
      revokedBy: by.who,
      reason: by.reason ?? null,
      changedAt: date(turn.now),
      changedIn: turn.number,
      pushedAt: null,
    };
    const [row] = await transaction
      .insert(revocationTable)
      .values({
        bucketKey: bucketKeyOf(revocation),
        kind: revocation.kind,
        name: revokedName(revocation),
        issuedBefore,
        mattersUntil: date(revocation.until),
        clientId: further.holder,
        replaces: further.replaces,
        ...changes,
      })
      .onConflictDoUpdate({
        target: revocationTable.bucketKey,
        set: {
          issuedBefore: sql`greatest(${revocationTable.issuedBefore}, excluded.issued_before)`,
          mattersUntil: sql`greatest(${revocationTable.mattersUntil}, excluded.matters_until)`,
          clientId: sql`coalesce(excluded.client_id, ${revocationTable.clientId})`,
          replaces: sql`greatest(${revocationTable.replaces}, excluded.replaces)`,
          ...changes,
        },
      })
      .returning();
    if (row === undefined) throw new Error('the insert returned no row');
    return row;
  }

  /** The database is older than a published list: continues numbers and versions after it, and records that this was noticed. */
  async restored(transaction: Transaction, statedNumber: number): Promise<void> {
    await transaction.execute(sql`
      update registry set version = version + 1, revocations = greatest(revocations, ${statedNumber}::bigint),
        restored_at = coalesce(restored_at, clock_timestamp())`);
  }

  /** Confirms that the finding has been dealt with. @returns when it was noticed */
  async acknowledge(transaction: Transaction): Promise<Date | undefined> {
    const answer = await transaction.execute(sql`select restored_at from registry for update`);
    await transaction.execute(sql`update registry set version = version + 1, restored_at = null`);
    const [row] = z.array(z.object({ restored_at: z.coerce.date().nullable() })).parse(answer.rows);
    return row?.restored_at ?? undefined;
  }

  /** Reinstates what the issuer had published before this database was restored, under a new number. */
  async adopt(transaction: Transaction, statements: readonly Statement[]): Promise<void> {
    const turn = await this.takeTurn(transaction, { kind: 'token' });
    const by = { who: 'issuer', reason: 'stated before the database was restored' };
    for (const { revocation, holder, replaces } of statements) {
      await this.add(transaction, revocation, turn, by, { holder, replaces });
    }
    const before = statements.map(({ revocation }) => ('issuedBefore' in revocation ? revocation.issuedBefore : 0));
    // Tokens issued from now on carry a later time.
    const latest = date(Math.max(0, ...before)).toISOString();
    await transaction.execute(sql`
      update registry set version = version + 1, issue_after = greatest(issue_after, ${latest}::timestamptz)`);
  }

  /** Entries of tokens and transactions. */
  async countOfTokens(transaction: Transaction): Promise<number> {
    return transaction.$count(revocationTable, ofTokens);
  }

  /** The client whose tokens have the most entries, if several. */
  async largestHolder(transaction: Transaction): Promise<string | undefined> {
    const [largest] = await transaction
      .select({ clientId: revocationTable.clientId, entries: count() })
      .from(revocationTable)
      .where(and(ofTokens, isNotNull(revocationTable.clientId)))
      .groupBy(revocationTable.clientId)
      .orderBy(desc(count()))
      .limit(1);
    return largest !== undefined && largest.entries > 1 ? (largest.clientId ?? undefined) : undefined;
  }

  /** Removes the entries of a client's tokens, because one for the client itself replaces them. */
  async removeHeldBy(transaction: Transaction, clientId: string): Promise<void> {
    await transaction.delete(revocationTable).where(and(ofTokens, eq(revocationTable.clientId, clientId)));
  }

  /** What the bucket does not have yet. */
  unpushed(now: Date): Promise<RevocationRow[]> {
    return this.database
      .select()
      .from(revocationTable)
      .where(and(isNull(revocationTable.pushedAt), matters(now)))
      .orderBy(asc(revocationTable.changedIn))
      .limit(ROWS_LIMIT);
  }

  /** Numbers rows without a number, as one change: written by an earlier release that runs alongside this one, or before an upgrade. */
  async numberNew(): Promise<void> {
    const [unnumbered] = await this.database
      .select({ key: revocationTable.bucketKey })
      .from(revocationTable)
      .where(eq(revocationTable.changedIn, 0))
      .limit(1);
    if (unnumbered === undefined) return;
    await this.database.transaction(async (transaction) => {
      const { number } = await this.takeTurn(transaction, { kind: 'token' });
      await transaction.update(revocationTable).set({ changedIn: number }).where(eq(revocationTable.changedIn, 0));
    });
  }

  /** Marks these as pushed; one that changed in the meantime will be pushed again. */
  async markPushed(rows: readonly RevocationRow[], now: Date): Promise<void> {
    for (let from = 0; from < rows.length; from += ROWS_LIMIT) {
      const same = rows
        .slice(from, from + ROWS_LIMIT)
        .map((row) => and(eq(revocationTable.bucketKey, row.bucketKey), lte(revocationTable.changedIn, row.changedIn)));
      await this.database
        .update(revocationTable)
        .set({ pushedAt: now })
        .where(or(...same));
    }
  }

  /** A page, newest first. @param before the last one of the previous page */
  page(limit: number, kind: RevocationRow['kind'] | undefined, before?: PageEnd): Promise<RevocationRow[]> {
    const conditions: (SQL | undefined)[] = [];
    if (kind !== undefined) conditions.push(eq(revocationTable.kind, kind));
    if (before !== undefined) {
      const { changedAt, bucketKey } = before;
      conditions.push(
        or(
          lt(revocationTable.changedAt, changedAt),
          and(eq(revocationTable.changedAt, changedAt), lt(revocationTable.bucketKey, bucketKey)),
        ),
      );
    }
    return this.database
      .select()
      .from(revocationTable)
      .where(and(...conditions))
      .orderBy(desc(revocationTable.changedAt), desc(revocationTable.bucketKey))
      .limit(limit);
  }

  /** Deletes entries that no longer matter. */
  async prune(now: Date): Promise<void> {
    await this.database
      .delete(revocationTable)
      .where(lte(revocationTable.mattersUntil, new Date(now.getTime() - MARGIN_SECONDS * 1_000)));
  }
}

export type PageEnd = Pick<RevocationRow, 'changedAt' | 'bucketKey'>;
