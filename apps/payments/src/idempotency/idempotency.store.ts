import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { and, eq, lt, sql } from 'drizzle-orm';
import { insertPart, type Part } from '../changes/change.js';
import { STEP_LEASE, type StepLease } from './step-lease.js';
import { claimOf, type Claim, type IdempotencyKey, type StoredAnswer } from './idempotency-key.js';
import { idempotencyKeyTable } from './idempotency.tables.js';

/** Hours that a key and its answer are kept. */
export const KEPT_HOURS = 24;

/** Keys that one statement prunes at the most, so that it locks little and ends soon. */
const PRUNE_BATCH = 5_000;

/** A client's own key; other clients' keys are others, though they be spelt alike. */
export interface KeyPlace {
  readonly clientId: string;
  readonly key: IdempotencyKey;
}

/** A request that asks for its key. */
export interface KeyClaim extends KeyPlace {
  readonly fingerprint: string;
}

/** Keys and their answers, each kept for {@link KEPT_HOURS}. */
@Injectable()
export class IdempotencyStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(STEP_LEASE) private readonly lease: StepLease,
  ) {}

  /** Takes the key for a request that makes or moves the resource; of concurrent requests exactly one commits. */
  take({ clientId, key, fingerprint }: KeyClaim, resourceId: string, now: Date): Part {
    return insertPart('idempotency_key', {
      client_id: clientId,
      key,
      fingerprint,
      resource_id: resourceId,
      lease_until: this.lease(now),
      created_at: now,
    });
  }

  /** Takes the key and answers it at once. */
  takeAnswered({ clientId, key, fingerprint }: KeyClaim, resourceId: string, answer: StoredAnswer, now: Date): Part {
    const row = { client_id: clientId, key, fingerprint, resource_id: resourceId, lease_until: now, created_at: now };
    return insertPart('idempotency_key', { ...row, answer: JSON.stringify(answer) });
  }

  /** Keeps the answer that every repeat gets. */
  answer({ clientId, key }: KeyPlace, answer: StoredAnswer): Part {
    return {
      write: (bind) =>
        `update idempotency_key set answer = ${bind(JSON.stringify(answer))}::jsonb where client_id = ${bind(clientId)} and key = ${bind(key)}`,
    };
  }

  /** Gives the key back unanswered, so that the caller's retry may resume at once. */
  release({ clientId, key }: KeyPlace, now: Date): Part {
    return {
      write: (bind) =>
        `update idempotency_key set lease_until = ${bind(now)} where client_id = ${bind(clientId)} and key = ${bind(key)}`,
    };
  }

  /**
   * How a known key stands; one whose runner is gone is taken over.
   * @returns `begin` when the key is not known (any more)
   * @throws {Problem} 422 `IDEMPOTENCY_KEY_REUSED`, 409 `IDEMPOTENCY_IN_FLIGHT`
   */
  look({ fingerprint, ...place }: KeyClaim, now: Date): Promise<Claim> {
    return this.database.transaction(async (transaction) => {
      const [known] = await transaction.select().from(idempotencyKeyTable).where(at(place)).for('update');
      if (known === undefined) return { kind: 'begin' };
      const resourceId = known.resourceId ?? known.paymentId;
      if (resourceId === null) throw new Error('an idempotency key without a resource');
      const claim = claimOf({ ...known, resourceId }, fingerprint, now);
      if (claim.kind === 'resume') {
        await transaction
          .update(idempotencyKeyTable)
          .set({ leaseUntil: this.lease(now) })
          .where(at(place));
      }
      return claim;
    });
  }

  /** Forgets keys older than {@link KEPT_HOURS}. @returns how many */
  async prune(now: Date): Promise<number> {
    const before = new Date(now.getTime() - KEPT_HOURS * 3_600_000);
    for (let pruned = 0; ;) {
      const batch = this.database
        .select({ place: sql`ctid` })
        .from(idempotencyKeyTable)
        .where(lt(idempotencyKeyTable.createdAt, before))
        .limit(PRUNE_BATCH);
      const { rowCount } = await this.database.delete(idempotencyKeyTable).where(sql`ctid = any(array(${batch}))`);
      pruned += rowCount ?? 0;
      if ((rowCount ?? 0) < PRUNE_BATCH) return pruned;
    }
  }
}

function at({ clientId, key }: KeyPlace) {
  return and(eq(idempotencyKeyTable.clientId, clientId), eq(idempotencyKeyTable.key, key));
}
