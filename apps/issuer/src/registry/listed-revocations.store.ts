import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { asc, eq, gt, or, type SQL } from 'drizzle-orm';
import { MARGIN_SECONDS } from './listed-revocation.js';
import { revocationTable, type RevocationRow } from './revocations.tables.js';

/** The condition that a revocation still matters. */
export function matters(now: Date): SQL {
  return gt(revocationTable.mattersUntil, new Date(now.getTime() - MARGIN_SECONDS * 1_000));
}

/** Reads the revocations that a replica holds; the revocations' own store changes them. */
@Injectable()
export class ListedRevocations {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Everything that still matters. */
  inForce(now: Date, executor: Database | Transaction = this.database): Promise<RevocationRow[]> {
    return executor.select().from(revocationTable).where(matters(now)).orderBy(asc(revocationTable.changedIn));
  }

  /** What changed after a number, no matter who changed it, and what has no number yet. */
  changedSince(transaction: Transaction, number: number): Promise<RevocationRow[]> {
    return transaction
      .select()
      .from(revocationTable)
      .where(or(gt(revocationTable.changedIn, number), eq(revocationTable.changedIn, 0)));
  }
}
