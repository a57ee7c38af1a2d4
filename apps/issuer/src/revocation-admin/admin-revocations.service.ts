import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { revokedName } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  by,
  DATABASE,
  KeyedAnswers,
  Problem,
  pageOf,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { events } from '../events.js';
import { DescribedClients } from '../described-clients/described-clients.store.js';
import { SIGNING_KEYS, type SigningKeys } from '../registry/key-set.js';
import {
  cursorOf,
  parseCursor,
  viewOf,
  requestsOf,
  type NewRevocation,
  type RevocationsQuery,
  type RevocationView,
} from './admin-revocations.js';
import { resourceKindOf, type RevocationRequest } from '../revocation/revocation.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { RevocationsStore } from '../revocation/revocations.store.js';
import { RevokedGrants } from './revoked-grants.service.js';

/** A page of revocations, newest first. */
export interface RevocationsPage {
  readonly revocations: readonly RevocationView[];
  readonly next_cursor: string | null;
}

/** An administrator's operations on revocations; refusals are recorded too. */
@Injectable()
export class AdminRevocationsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(DescribedClients) private readonly described: DescribedClients,
    @Inject(RevokedGrants) private readonly grants: RevokedGrants,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(SIGNING_KEYS) private readonly keys: SigningKeys,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
  ) {}

  /** @throws {Problem} 400 `CURSOR_INVALID` */
  async list({ kind, limit, cursor }: RevocationsQuery, caller: Caller): Promise<RevocationsPage> {
    const before = cursor === undefined ? undefined : parseCursor(cursor);
    if (cursor !== undefined && before === undefined)
      throw new Problem(400, 'CURSOR_INVALID', 'cursor must be a next_cursor of this list.');
    const { rows, last } = pageOf(await this.store.page(limit + 1, kind, before), limit);
    await this.outbox.recordDurably(events.event('revocations.listed', by(caller), { id: EVERY }));
    return {
      revocations: rows.map((row) => viewOf(row)),
      next_cursor: last === undefined ? null : cursorOf(last),
    };
  }

  /** @throws {Problem} 409 `KEY_IN_USE`, 422 `TIME_IN_FUTURE`, 503 `REVOCATIONS_FULL` */
  async create(asked: NewRevocation, caller: Caller): Promise<RevocationView> {
    const requests = requestsOf(asked);
    const [requested] = requests;
    if (requested === undefined) throw new Error('nothing is to be revoked');
    try {
      this.#checkKey(requested);
      await this.#endMany(requested, asked.reason, caller);
      const { rows, ended } = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        const all = [...requests, ...(await this.#described(transaction, requested))];
        const grants = await this.grants.endIn(transaction, all, by(caller));
        const why = { reason: asked.reason };
        const [first, ...others] = await this.revocations.recordAllIn(transaction, all, by(caller), why);
        if (first === undefined) throw new Error('nothing was revoked');
        // A repeat says that the bucket does not have it yet, which was the state at the commit.
        await this.answers.keep(
          transaction,
          caller,
          `${resourceKindOf(first.kind)}/${first.name}`,
          viewOf(first, false),
        );
        return { rows: [first, ...others] as const, ended: grants };
      });
      for (const one of ended) await this.grants.announce(one);
      const revoked = await Promise.all(rows.map((row) => this.revocations.announce(row)));
      return viewOf(
        rows[0],
        revoked.every(({ pushed }) => pushed),
      );
    } catch (error) {
      if (error instanceof Problem) await this.#refused(requested, error.code, caller);
      throw error;
    }
  }

  /**
   * If very many people allowed a client something, that ends beforehand in batches, with its tokens refused first. Whatever started in the meantime ends with the
   * revocation that follows.
   */
  async #endMany(requested: RevocationRequest, reason: string | undefined, caller: Caller): Promise<void> {
    if (requested.kind !== 'client' || requested.issuedBefore !== undefined) return;
    const described = await this.described.under(this.database, requested.clientId);
    for (const { clientId } of [requested, ...described]) {
      if (!(await this.grants.areMany(clientId))) continue;
      // A repeat with its key changes nothing.
      await this.database.transaction((transaction) => this.answers.begin(transaction, caller));
      await this.revocations.revoke([{ kind: 'client', clientId }], by(caller), { reason });
      await this.grants.endMany(clientId, by(caller));
    }
  }

  /** Revoking a policy's client includes the clients that describe themselves under it. */
  async #described(transaction: Transaction, requested: RevocationRequest): Promise<readonly RevocationRequest[]> {
    if (requested.kind !== 'client') return [];
    const clients = await this.described.under(transaction, requested.clientId);
    return clients.map(({ clientId }) => ({ ...requested, clientId }));
  }

  #checkKey(requested: RevocationRequest): void {
    if (requested.kind !== 'key' || !this.keys.published.some(({ kid }) => kid === requested.keyId)) return;
    throw new Problem(
      409,
      'KEY_IN_USE',
      `The key is still published. Revoke it as a signing key: POST /admin/keys/${requested.keyId}/revoke.`,
    );
  }

  async #refused(requested: RevocationRequest, reason: string, caller: Caller): Promise<void> {
    await this.outbox.recordDurably(
      events.event('revocation.refused', by(caller), {
        kind: resourceKindOf(requested.kind),
        id: revokedName(requested),
        action: `${requested.kind}:revoke`,
        outcome: 'failed',
        reason,
      }),
    );
  }
}
