import { Injectable } from '@nestjs/common';
import { type Owner } from '@countersign/auth-core';
import { IDEMPOTENCY_KEPT_HOURS, type IdempotencyKey, type Transaction } from '@countersign/service-host';
import { and, eq, lt, sql } from 'drizzle-orm';
import { type AccountJson } from './account.js';
import { idempotencyKeyTable } from './idempotency.tables.js';

/** Keys past their time that one opening removes at most. */
const PRUNE_LIMIT = 100;

/** A request that asks for its key; the same characters from another subject or client are another key. */
export interface KeyClaim {
  readonly owner: Required<Owner>;
  readonly key: IdempotencyKey;
  readonly fingerprint: string;
}

export interface KnownKey {
  readonly fingerprint: string;
  readonly answer: AccountJson;
}

/** Keys and what was answered under them, each kept for {@link IDEMPOTENCY_KEPT_HOURS}. */
@Injectable()
export class IdempotencyStore {
  /**
   * Takes the key for this answer, in the transaction that makes what it tells of. Waits for another that has taken it and not ended.
   * @returns nothing, or what the key was taken for before
   */
  async take(
    transaction: Transaction,
    { owner: { subject, clientId }, key, fingerprint }: KeyClaim,
    answer: AccountJson,
    now: Date,
  ): Promise<KnownKey | undefined> {
    const over = new Date(now.getTime() - IDEMPOTENCY_KEPT_HOURS * 3_600_000);
    const table = idempotencyKeyTable;
    const taken = await transaction
      .insert(table)
      .values({ subject, clientId, key, fingerprint, answer, createdAt: now })
      .onConflictDoUpdate({
        target: [table.subject, table.clientId, table.key],
        set: { fingerprint, answer, createdAt: now },
        setWhere: lt(table.createdAt, over),
      })
      .returning({ key: table.key });
    if (taken.length > 0) {
      await transaction.execute(sql`delete from idempotency_key where ctid = any(array(
        select ctid from idempotency_key where created_at < ${over} limit ${PRUNE_LIMIT} for update skip locked))`);
      return undefined;
    }
    const [known] = await transaction
      .select({ fingerprint: table.fingerprint, answer: table.answer })
      .from(table)
      .where(and(eq(table.subject, subject), eq(table.clientId, clientId), eq(table.key, key)));
    if (known === undefined) throw new Error('an Idempotency-Key that was in use has disappeared');
    return known;
  }
}
