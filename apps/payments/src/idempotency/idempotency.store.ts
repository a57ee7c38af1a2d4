import { Injectable } from '@nestjs/common';
import { type Transaction } from '@countersign/service-host';
import { and, eq } from 'drizzle-orm';
import { claimOf, type Claim, type IdempotencyKey, type StoredAnswer } from './idempotency-key.js';
import { idempotencyKeyTable } from './idempotency.tables.js';

/** Seconds that a request holds its key; a runner that died leaves it to be resumed after this. */
const LEASE_SECONDS = 30;

export interface KeyClaim {
  readonly clientId: string;
  readonly key: IdempotencyKey;
  readonly fingerprint: string;
  /** The payment that is begun when the key is new. */
  readonly paymentId: string;
  readonly now: Date;
}

/** Keys and their answers; each client has its own. */
@Injectable()
export class IdempotencyStore {
  /** Takes the key inside the caller's transaction; of concurrent requests exactly one begins, the others wait here for its commit. */
  async claim(transaction: Transaction, { now, ...claim }: KeyClaim): Promise<Claim> {
    const leaseUntil = new Date(now.getTime() + LEASE_SECONDS * 1_000);
    const inserted = await transaction
      .insert(idempotencyKeyTable)
      .values({ ...claim, leaseUntil, createdAt: now })
      .onConflictDoNothing()
      .returning({ key: idempotencyKeyTable.key });
    if (inserted.length > 0) return { kind: 'begin' };
    const [known] = await transaction.select().from(idempotencyKeyTable).where(this.#at(claim)).for('update');
    if (known === undefined) throw new Error('an idempotency key vanished between two statements of one transaction');
    const outcome = claimOf(known, claim.fingerprint, now);
    if (outcome.kind === 'resume') {
      await transaction.update(idempotencyKeyTable).set({ leaseUntil }).where(this.#at(claim));
    }
    return outcome;
  }

  async answer(transaction: Transaction, at: Pick<KeyClaim, 'clientId' | 'key'>, answer: StoredAnswer): Promise<void> {
    await transaction.update(idempotencyKeyTable).set({ answer }).where(this.#at(at));
  }

  /** Gives the key back unanswered, so that the caller's retry may resume at once. */
  async release(transaction: Transaction, at: Pick<KeyClaim, 'clientId' | 'key'>, now: Date): Promise<void> {
    await transaction.update(idempotencyKeyTable).set({ leaseUntil: now }).where(this.#at(at));
  }

  #at({ clientId, key }: Pick<KeyClaim, 'clientId' | 'key'>) {
    return and(eq(idempotencyKeyTable.clientId, clientId), eq(idempotencyKeyTable.key, key));
  }
}
