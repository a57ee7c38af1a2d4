import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY, type EventContext } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { events } from '../events.js';
import { ClientsStore } from '../registry/clients.store.js';
import { type KeysStore } from '../registry/keys.store.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { endOfState, mayActivate, type RotationTimes, type SigningKey } from '../registry/signing-key.js';
import { SigningKeysStore } from '../registry/signing-keys.store.js';
import { type SigningKeyRow } from '../registry/signing-keys.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { KeyRotation, type KeyKind } from './key-rotation.service.js';

/** A signing key as the admin API shows it: never its private part. */
function signingKeyJson(row: SigningKeyRow, times: RotationTimes) {
  const time = (date: Date | null): string | null => date?.toISOString() ?? null;
  return {
    kid: row.kid,
    alg: row.algorithm,
    state: row.state,
    revoked: row.revoked,
    created_at: row.createdAt.toISOString(),
    usable_from: row.usableFrom.toISOString(),
    activated_at: time(row.activatedAt),
    retired_at: time(row.retiredAt),
    removed_at: time(row.removedAt),
    /** When its state ends by itself: the active one's rotation is due, a retired one leaves the published set. */
    ends_at: time(endOfState(row, times) ?? null),
    public_jwk: row.publicJwk,
  };
}
export interface SigningKeysJson {
  readonly keys: readonly ReturnType<typeof signingKeyJson>[];
}

/** What an administrator may do with signing keys. */
@Injectable()
export class SigningKeysService {
  protected readonly kind: KeyKind = 'signing-key';

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SigningKeysStore) private readonly store: KeysStore,
    @Inject(ClientsStore) private readonly registry: ClientsStore,
    @Inject(KeyRotation) private readonly rotation: KeyRotation,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(RevocationService) protected readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async list(caller: Caller): Promise<SigningKeysJson> {
    const rows = await this.store.all(this.database);
    await this.outbox.recordDurably(events.event(`${this.kind}.looked-at`, by(caller), { id: EVERY }));
    return this.#shown(rows);
  }

  /**
   * Lets the pending key sign from now on and makes the next pending one.
   * @throws {Problem} 409 `KEY_NOT_YET_PUBLISHED` with `retry_after`: validators may not know it yet
   */
  async rotate(caller: Caller): Promise<SigningKeysJson> {
    return this.#change(EVERY, 'rotate', caller, async (transaction, rows) => {
      const now = this.clock();
      const pending = rows.find(({ state }) => state === 'pending');
      if (pending === undefined || !mayActivate(pending, now)) {
        const left = pending === undefined ? 1 : Math.ceil((pending.usableFrom.getTime() - now.getTime()) / 1_000);
        throw new Problem(409, 'KEY_NOT_YET_PUBLISHED', 'Validators may not know the pending key yet; retry later.', {
          retry_after: Math.max(left, 1),
        });
      }
      await this.#activate(transaction, rows, pending, now, caller);
    });
  }

  /**
   * Emergency: the key leaves the JWKS immediately, and every validator refuses what it signed. When it was the active one, the
   * pending key, which validators already know, signs from now on.
   * @throws {Problem} 404 `KEY_UNKNOWN`
   */
  async revoke(kid: string, caller: Caller): Promise<SigningKeysJson> {
    const revoked: RevocationRow[] = [];
    const keys = await this.#change(kid, 'revoke', caller, async (transaction, rows) => {
      const key = rows.find((row) => row.kid === kid);
      if (key === undefined) throw new Problem(404, 'KEY_UNKNOWN', 'There is no such key.');
      await this.#record(transaction, 'revoked', kid, caller, {
        state: { before: key.state, after: 'removed' },
        revoked: { before: key.revoked, after: true },
      });
      if (key.revoked) return;
      const now = this.clock();
      await this.store.remove(transaction, kid, now, true);
      revoked.push(...(await this.refuse(transaction, kid, by(caller))));
      const pending = rows.find(({ state }) => state === 'pending');
      if (key.state === 'active' && pending !== undefined) {
        await this.#activate(
          transaction,
          rows.filter((row) => row !== key),
          pending,
          now,
          caller,
        );
      }
    });
    for (const row of revoked) await this.revocations.announce(row);
    return keys;
  }

  /** Has what a revoked key signed refused everywhere. */
  protected async refuse(transaction: Transaction, kid: string, who: EventContext): Promise<readonly RevocationRow[]> {
    return [await this.revocations.recordIn(transaction, { kind: 'key', keyId: kid }, who)];
  }

  async #activate(
    transaction: Transaction,
    rows: readonly SigningKey[],
    pending: SigningKey,
    now: Date,
    caller: Caller,
  ): Promise<void> {
    const retire = rows.find(({ state }) => state === 'active')?.kid;
    await this.rotation.take(transaction, { do: 'activate', kid: pending.kid, retire }, now);
    await this.#record(transaction, 'rotated', pending.kid, caller, {
      state: { before: 'pending', after: 'active' },
      retired: retire ?? null,
    });
  }

  /** @param kid the key that is to change, or all of them */
  async #change(
    kid: string,
    verb: 'rotate' | 'revoke',
    caller: Caller,
    step: (transaction: Transaction, rows: readonly SigningKeyRow[]) => Promise<void>,
  ): Promise<SigningKeysJson> {
    try {
      const keys = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        await this.registry.raiseVersion(transaction);
        await step(transaction, await this.store.all(transaction));
        // The caller caused it without requesting it.
        await this.rotation.settle(transaction, { ...by(caller), principal: null });
        const answer = this.#shown(await this.store.all(transaction));
        await this.answers.keep(transaction, caller, kid, answer);
        return answer;
      });
      await this.replica.refresh();
      return keys;
    } catch (error) {
      if (error instanceof Problem) {
        const details = { id: kid, action: `${this.kind}:${verb}`, outcome: 'failed', reason: error.code } as const;
        await this.outbox.recordDurably(events.event(`${this.kind}.change_refused`, by(caller), details));
      }
      throw error;
    }
  }

  #shown(rows: readonly SigningKeyRow[]): SigningKeysJson {
    return { keys: rows.map((row) => signingKeyJson(row, this.rotation.times)) };
  }

  async #record(
    transaction: Transaction,
    done: 'rotated' | 'revoked',
    kid: string,
    caller: Caller,
    changes: Record<string, unknown>,
  ): Promise<void> {
    await this.outbox.record(transaction, events.event(`${this.kind}.${done}`, by(caller), { id: kid, changes }));
  }
}
