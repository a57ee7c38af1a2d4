import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  DATABASE,
  KeyedAnswers,
  Problem,
  type Caller,
  type Database,
} from '@countersign/service-host';
import { events } from '../events.js';
import { SIGNING_KEYS, type SigningKeys } from '../registry/key-set.js';
import {
  cursorOf,
  parseCursor,
  viewOf,
  wishesOf,
  type NewRevocation,
  type RevocationsQuery,
  type RevocationView,
} from './admin-revocations.js';
import { wishedName, type RevocationWish } from '../revocation/revocation.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { RevocationsStore } from '../revocation/revocations.store.js';
import { RevokedGrants } from './revoked-grants.service.js';

/** A page of what is revoked, newest first. */
export interface RevocationsPage {
  readonly revocations: readonly RevocationView[];
  readonly next_cursor: string | null;
}

/** What an administrator may do with revocations; what is refused is recorded too. */
@Injectable()
export class AdminRevocationsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(RevocationService) private readonly revocations: RevocationService,
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
    const rows = await this.store.page(limit + 1, kind, before);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    await this.outbox.recordDurably(events.event('revocations.listed', by(caller), { id: EVERY }));
    return {
      revocations: page.map((row) => viewOf(row)),
      next_cursor: rows.length > limit && last !== undefined ? cursorOf(last) : null,
    };
  }

  /** @throws {Problem} 409 `KEY_IN_USE`, 422 `TIME_IN_FUTURE`, 503 `REVOCATIONS_FULL` */
  async create(asked: NewRevocation, caller: Caller): Promise<RevocationView> {
    const wishes = wishesOf(asked);
    const [wish] = wishes;
    if (wish === undefined) throw new Error('nothing is to be revoked');
    try {
      this.#checkKey(wish);
      const { rows, ended } = await this.database.transaction(async (transaction) => {
        await this.answers.begin(transaction, caller);
        const grants = [];
        for (const one of wishes) grants.push(await this.grants.endIn(transaction, one, by(caller)));
        const why = { reason: asked.reason };
        const [first, ...others] = await this.revocations.recordAllIn(transaction, wishes, by(caller), why);
        if (first === undefined) throw new Error('nothing was revoked');
        // For a repeat, the bucket does not have it yet: that is how it stands at the commit.
        await this.answers.keep(transaction, caller, first.name, viewOf(first, false));
        return { rows: [first, ...others] as const, ended: grants };
      });
      for (const one of ended) await this.grants.announce(one);
      const revoked = await Promise.all(rows.map((row) => this.revocations.announce(row)));
      return viewOf(
        rows[0],
        revoked.every(({ pushed }) => pushed),
      );
    } catch (error) {
      if (error instanceof Problem) await this.#refused(wish, error.code, caller);
      throw error;
    }
  }

  #checkKey(wish: RevocationWish): void {
    if (wish.kind !== 'key' || !this.keys.published.some(({ kid }) => kid === wish.keyId)) return;
    throw new Problem(
      409,
      'KEY_IN_USE',
      `The key is still published. Revoke it as a signing key: POST /admin/keys/${wish.keyId}/revoke.`,
    );
  }

  async #refused(wish: RevocationWish, reason: string, caller: Caller): Promise<void> {
    await this.outbox.recordDurably(
      events.event('revocation.refused', by(caller), {
        kind: wish.kind === 'key' ? 'signing-key' : wish.kind,
        id: wishedName(wish),
        action: `${wish.kind}:revoke`,
        outcome: 'failed',
        reason,
      }),
    );
  }
}
