import { Inject, Injectable } from '@nestjs/common';
import { bucketKeyOf, type Revocation } from '@countersign/revocation-feed';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { and, asc, desc, eq, gt, inArray, isNull, lt, lte, or, sql, type SQL } from 'drizzle-orm';
import { keysAgainst, MARGIN_SECONDS, nameOf, type RevocableToken } from './revocation.js';
import { revocationTable, type RevocationRow } from './revocations.tables.js';

/** Rows that one look reads at the most. */
const ROWS_LIMIT = 1_000;

const date = (seconds: number): Date => new Date(seconds * 1_000);
const seconds = (time: Date): number => Math.floor(time.getTime() / 1_000);

/** The row as the bucket carries it. */
export function revocationOf({ kind, name, issuedBefore, mattersUntil }: RevocationRow): Revocation {
  const until = seconds(mattersUntil);
  const before = issuedBefore === null ? 0 : seconds(issuedBefore);
  switch (kind) {
    case 'token':
      return { kind, tokenId: name, until };
    case 'client':
      return { kind, clientId: name, issuedBefore: before, until };
    case 'subject':
      return { kind, subject: name, issuedBefore: before, until };
    case 'key':
      return { kind, keyId: name, until };
  }
}

/** What is revoked, in the database: the truth, of which the bucket is a copy. */
@Injectable()
export class RevocationsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Adds a revocation, or extends the one that there is. */
  async add(
    transaction: Transaction,
    revocation: Revocation,
    by: { readonly who: string; readonly reason: string | undefined; readonly now: Date },
  ): Promise<RevocationRow> {
    const issuedBefore = 'issuedBefore' in revocation ? date(revocation.issuedBefore) : null;
    const changes = { revokedBy: by.who, reason: by.reason ?? null, changedAt: by.now, pushedAt: null };
    const [row] = await transaction
      .insert(revocationTable)
      .values({
        bucketKey: bucketKeyOf(revocation),
        kind: revocation.kind,
        name: nameOf(revocation),
        issuedBefore,
        mattersUntil: date(revocation.until),
        ...changes,
      })
      .onConflictDoUpdate({
        target: revocationTable.bucketKey,
        set: {
          issuedBefore: sql`greatest(${revocationTable.issuedBefore}, excluded.issued_before)`,
          mattersUntil: sql`greatest(${revocationTable.mattersUntil}, excluded.matters_until)`,
          ...changes,
        },
      })
      .returning();
    if (row === undefined) throw new Error('the insert returned no row');
    return row;
  }

  /** Everything that still matters. */
  inForce(now: Date): Promise<RevocationRow[]> {
    return this.database
      .select()
      .from(revocationTable)
      .where(this.#matters(now))
      .orderBy(asc(revocationTable.changedAt));
  }

  /** What changed since then, whoever changed it. */
  changedSince(then: Date): Promise<RevocationRow[]> {
    return this.database.select().from(revocationTable).where(gt(revocationTable.changedAt, then));
  }

  /** What the bucket does not have yet. */
  unpushed(now: Date): Promise<RevocationRow[]> {
    return this.database
      .select()
      .from(revocationTable)
      .where(and(isNull(revocationTable.pushedAt), this.#matters(now)))
      .orderBy(asc(revocationTable.changedAt))
      .limit(ROWS_LIMIT);
  }

  /** Says that the bucket has these; one that changed meanwhile stays to be pushed. */
  async markPushed(rows: readonly RevocationRow[], now: Date): Promise<void> {
    for (let from = 0; from < rows.length; from += ROWS_LIMIT) {
      const same = rows
        .slice(from, from + ROWS_LIMIT)
        .map((row) => and(eq(revocationTable.bucketKey, row.bucketKey), lte(revocationTable.changedAt, row.changedAt)));
      await this.database
        .update(revocationTable)
        .set({ pushedAt: now })
        .where(or(...same));
    }
  }

  /** Whether a token is refused; asks the database, and so is exact at every replica. @param issuedAt its `iat`, seconds */
  async isRevoked(token: RevocableToken, issuedAt: number): Promise<boolean> {
    const rows = await this.database
      .select({ key: revocationTable.bucketKey })
      .from(revocationTable)
      .where(
        and(
          inArray(revocationTable.bucketKey, [...keysAgainst(token)]),
          or(isNull(revocationTable.issuedBefore), sql`${revocationTable.issuedBefore} >= ${date(issuedAt)}`),
        ),
      )
      .limit(1);
    return rows.length > 0;
  }

  /** A page, newest first. @param before the last one of the page before */
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

  /** Forgets what no longer matters. */
  async prune(now: Date): Promise<void> {
    await this.database
      .delete(revocationTable)
      .where(lte(revocationTable.mattersUntil, new Date(now.getTime() - MARGIN_SECONDS * 1_000)));
  }

  #matters(now: Date): SQL {
    return gt(revocationTable.mattersUntil, new Date(now.getTime() - MARGIN_SECONDS * 1_000));
  }
}

export type PageEnd = Pick<RevocationRow, 'changedAt' | 'bucketKey'>;
