import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  DATABASE,
  KeyedAnswers,
  Problem,
  pageOf,
  type Caller,
  type Database,
} from '@countersign/service-host';
import { type Delegation, type DelegationId } from '../delegations/delegation.js';
import { DelegationUses } from '../delegations/delegation-uses.service.js';
import { Delegations } from '../delegations/delegations.service.js';
import { DelegationsStore } from '../delegations/delegations.store.js';
import { events } from '../events.js';
import { PeopleStore } from '../people/people.store.js';
import { endsOf } from '../refresh/delegation-ends.js';
import { DelegationEndsStore, type Whose } from '../refresh/delegation-ends.store.js';
import { REFRESH_TIMES, type RefreshTimes } from '../refresh/rotation.js';
import { SESSION_TIMES, type SessionTimes } from '../sessions/session.js';
import {
  delegationJson,
  lastUses,
  type DelegationJson,
  type DelegationPage,
  type DelegationsQuery,
} from './delegation-json.js';

/** An administrator's operations on what people allowed applications. Every call is recorded. */
@Injectable()
export class DelegationAdmin {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(DelegationsStore) private readonly store: DelegationsStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(DelegationUses) private readonly uses: DelegationUses,
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(DelegationEndsStore) private readonly ends: DelegationEndsStore,
    @Inject(REFRESH_TIMES) private readonly refreshTimes: RefreshTimes,
    @Inject(SESSION_TIMES) private readonly sessionTimes: SessionTimes,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
  ) {}

  async list(query: DelegationsQuery, caller: Caller): Promise<DelegationPage> {
    const { person_id: personId, client_id: clientId, cursor, limit, ends_before: before } = query;
    const whose = { personId, clientId };
    const found = await (before === undefined
      ? this.store.page(whose, cursor, limit + 1)
      : this.#ending(before, whose, limit));
    const { rows, last } = pageOf(found, limit);
    const shown = rows.map(await this.#readBeside(rows));
    const changes = { person: personId ?? null, client_id: clientId ?? null, shown: rows.length };
    await this.outbox.recordDurably(events.event('delegations.listed', by(caller), { id: EVERY, changes }));
    return { delegations: shown, next_cursor: last?.id ?? null };
  }

  /** Ends one immediately everywhere; a repeat finds it ended. @throws {Problem} 404 `DELEGATION_UNKNOWN`, 503 `REVOCATIONS_FULL` */
  async end(id: DelegationId, caller: Caller): Promise<DelegationJson> {
    const show = await this.#readBeside(await this.store.named([id]));
    const done = await this.database.transaction(async (transaction) => {
      await this.answers.begin(transaction, caller);
      const before = await this.store.find(id, transaction);
      if (before === undefined) return undefined;
      const ended = await this.delegations.endIn(transaction, { id }, 'BY_ADMIN', by(caller));
      const answer = show(ended.ended[0] ?? before);
      await this.answers.keep(transaction, caller, id, answer);
      return { ended, answer };
    });
    const nothing = async (reason: string): Promise<void> => {
      const details = { id, outcome: 'failed', reason } as const;
      await this.outbox.recordDurably(events.event('delegation.end_refused', by(caller), details));
    };
    if (done === undefined) {
      await nothing('DELEGATION_UNKNOWN');
      throw new Problem(404, 'DELEGATION_UNKNOWN', 'There is no such delegation.');
    }
    if (done.ended.ended.length === 0) await nothing('DELEGATION_ENDED');
    await this.delegations.announce(done.ended);
    return done.answer;
  }

  async #ending(before: Date, whose: Whose, limit: number): Promise<readonly Delegation[]> {
    const begun = new Date(before.getTime() - this.refreshTimes.life);
    return this.store.named(await this.ends.begunBefore(begun, whose, limit));
  }

  /**
   * Reads what is shown with delegations. It uses its own connections, so never call it within a transaction: as many callers as the pool has connections
   * would each hold one, and wait for another.
   * @returns shows one of them
   */
  async #readBeside(delegations: readonly Delegation[]): Promise<(one: Delegation) => DelegationJson> {
    const ids = delegations.map(({ id }) => id);
    const [names, uses, times] = await Promise.all([
      this.people.namesOf(delegations.map(({ personId }) => personId)),
      this.uses.of(ids),
      this.ends.timesOf(ids),
    ]);
    const last = lastUses(uses);
    return (one) => {
      const known = times.get(one.id);
      const ends = known === undefined ? undefined : endsOf(known, this.refreshTimes, this.sessionTimes);
      return delegationJson(one, { personName: names.get(one.personId), lastUsedAt: last.get(one.id), ends });
    };
  }
}
