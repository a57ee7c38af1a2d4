import { Inject, Injectable } from '@nestjs/common';
import { type Owner } from '@countersign/auth-core';
import { DATABASE, deleteInPortions, IDEMPOTENCY_KEPT_HOURS, type Database } from '@countersign/service-host';
import { and, eq } from 'drizzle-orm';
import { insertPart, type Bind, type Part } from '../changes/statement-parts.store.js';
import { STEP_LEASE, type StepLease } from './step-lease.js';
import { claimOf, type Claim, type IdempotencyKey, type StoredAnswer } from './idempotency-key.js';
import { idempotencyKeyTable } from './idempotency.tables.js';

/** A key of one subject through one client; the same characters from another subject, or through another client, are another key. */
export interface KeyPlace {
  readonly owner: Owner;
  readonly key: IdempotencyKey;
}

/** A request for its key. */
export interface KeyClaim extends KeyPlace {
  readonly fingerprint: string;
}

/** Keys and their answers, each kept for {@link IDEMPOTENCY_KEPT_HOURS}. */
@Injectable()
export class IdempotencyStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(STEP_LEASE) private readonly lease: StepLease,
  ) {}

  /** Claims the key for a request that creates or changes the resource; of concurrent requests exactly one commits. */
  take({ owner, key, fingerprint }: KeyClaim, resourceId: string, now: Date): Part {
    return insertPart('idempotency_key', {
      ...columnsOf(owner),
      key,
      fingerprint,
      resource_id: resourceId,
      lease_until: this.lease(now),
      created_at: now,
    });
  }

  /** Claims the key and stores its response immediately. */
  takeAnswered({ owner, key, fingerprint }: KeyClaim, resourceId: string, answer: StoredAnswer, now: Date): Part {
    const row = { ...columnsOf(owner), key, fingerprint, resource_id: resourceId, lease_until: now, created_at: now };
    return insertPart('idempotency_key', { ...row, answer: JSON.stringify(answer) });
  }

  /** Stores the response for every repeat: the first one, no matter how many requests with the key end. */
  answer(place: KeyPlace, answer: StoredAnswer): Part {
    return {
      write: (bind) =>
        `update idempotency_key set answer = ${bind(JSON.stringify(answer))}::jsonb where ${atText(place, bind)} and answer is null`,
    };
  }

  /** Releases the key without a response, so that the caller's retry can resume immediately. */
  release(place: KeyPlace, now: Date): Part {
    return {
      write: (bind) => `update idempotency_key set lease_until = ${bind(now)} where ${atText(place, bind)}`,
    };
  }

  /**
   * The state of a known key; one whose process died is taken over.
   * @returns `begin` if the key is unknown or was deleted
   * @throws {Problem} 422 `IDEMPOTENCY_KEY_REUSED`, 409 `IDEMPOTENCY_IN_FLIGHT`
   */
  find({ fingerprint, ...place }: KeyClaim, now: Date): Promise<Claim> {
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

  /** Deletes keys older than {@link IDEMPOTENCY_KEPT_HOURS}. @returns how many */
  prune(now: Date): Promise<number> {
    const before = new Date(now.getTime() - IDEMPOTENCY_KEPT_HOURS * 3_600_000);
    return deleteInPortions(this.database.$client, 'idempotency_key', 'created_at < $1', [before]);
  }
}

function columnsOf({ subject, clientId }: KeyPlace['owner']) {
  return { client_id: clientId, subject };
}

function at({ owner, key }: KeyPlace) {
  const { clientId, subject, key: named } = idempotencyKeyTable;
  return and(eq(clientId, owner.clientId), eq(subject, owner.subject), eq(named, key));
}

function atText({ owner, key }: KeyPlace, bind: Bind): string {
  return `client_id = ${bind(owner.clientId)} and subject = ${bind(owner.subject)} and key = ${bind(key)}`;
}
