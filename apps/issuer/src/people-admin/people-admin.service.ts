import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  pageOf,
  type Caller,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { PeopleStore } from '../people/people.store.js';
import { type PersonRow } from '../people/people.tables.js';
import { type PersonId } from '../people/person.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { SESSION_TIMES, type SessionEnd, type SessionId, type SessionTimes } from '../sessions/session.js';
import { SessionEnds, type EndedSessions } from '../sessions/session-ends.service.js';
import { SessionsStore } from '../sessions/sessions.store.js';
import {
  PERSON_DETAIL_LIMIT,
  personDetailJson,
  personJson,
  type PeoplePage,
  type PeopleQuery,
  type PersonDetailJson,
} from './person-json.js';

/** What ended, or was refused, in one transaction. */
interface Ended {
  readonly sessions: EndedSessions;
  readonly revoked?: RevocationRow;
}

/** What an administrator may do with people. Every call is recorded. */
@Injectable()
export class PeopleAdmin {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(SessionsStore) private readonly sessions: SessionsStore,
    @Inject(SessionEnds) private readonly ends: SessionEnds,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(SESSION_TIMES) private readonly times: SessionTimes,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async list(query: PeopleQuery, caller: Caller): Promise<PeoplePage> {
    const { rows, last } = pageOf(await this.people.page({ ...query, limit: query.limit + 1 }), query.limit);
    const changes = { cursor: query.cursor ?? null, limit: query.limit };
    await this.outbox.recordDurably(events.event('people.listed', by(caller), { id: EVERY, changes }));
    return { people: rows.map(personJson), next_cursor: last?.id ?? null };
  }

  /** @throws {Problem} 404 `PERSON_UNKNOWN` */
  async read(id: PersonId, caller: Caller): Promise<PersonDetailJson> {
    const row = await this.people.find(id);
    if (row === undefined) {
      const details = { id, outcome: 'failed', reason: 'PERSON_UNKNOWN' } as const;
      await this.outbox.recordDurably(events.event('person.looked-at', by(caller), details));
      throw unknown();
    }
    await this.outbox.recordDurably(events.event('person.looked-at', by(caller), { id }));
    return this.#detail(row);
  }

  /** Ends all sessions and delegations of a person, immediately everywhere; they may sign in again. @throws {Problem} 404 `PERSON_UNKNOWN` */
  endAll(id: PersonId, caller: Caller): Promise<PersonDetailJson> {
    return this.#change(id, 'person.sessions_ended', caller, (transaction) =>
      this.#endIn(transaction, id, 'admin', caller),
    );
  }

  /**
   * Ends one live session of a person, with what was allowed in it.
   * @throws {Problem} 404 `PERSON_UNKNOWN`, `SESSION_UNKNOWN`; 503 `REVOCATIONS_FULL`
   */
  async endSession(personId: PersonId, id: SessionId, caller: Caller): Promise<PersonDetailJson> {
    const done = await this.database.transaction(async (transaction) => {
      await this.answers.begin(transaction, caller);
      const row = await this.people.lock(transaction, personId);
      if (row === undefined) return 'PERSON_UNKNOWN';
      const ended = await this.ends.endIn(transaction, { id, personId }, 'admin', by(caller));
      if (ended.sessions.length === 0) return 'SESSION_UNKNOWN';
      const answer = await this.#detail(row, transaction);
      await this.answers.keep(transaction, caller, id, answer);
      return { ended, answer };
    });
    if (typeof done === 'string') {
      const details = { id, outcome: 'failed', reason: done, changes: { person: personId } } as const;
      await this.outbox.recordDurably(events.event('session.end_refused', by(caller), details));
      if (done === 'PERSON_UNKNOWN') throw unknown();
      throw new Problem(404, done, 'The person has no such session, or it has ended.');
    }
    await this.ends.announce(done.ended);
    return done.answer;
  }

  /**
   * Disables a person: sessions and delegations end, every token about them is refused everywhere, and they cannot sign in.
   * @throws {Problem} 404 `PERSON_UNKNOWN`
   */
  disable(id: PersonId, caller: Caller): Promise<PersonDetailJson> {
    return this.#change(id, 'person.disabled', caller, async (transaction) => {
      await this.people.disable(transaction, id, caller.principal.subject, this.clock());
      // One entry for the person refuses all their tokens; one for each delegation would fill the list.
      const ended = await this.#endIn(transaction, id, 'disabled', caller, { tokensAreRefused: true });
      const revoked = await this.revocations.recordIn(transaction, { kind: 'subject', subject: id }, by(caller));
      return { ...ended, revoked };
    });
  }

  /** Lets a disabled person sign in again. @throws {Problem} 404 `PERSON_UNKNOWN` */
  enable(id: PersonId, caller: Caller): Promise<PersonDetailJson> {
    return this.#change(id, 'person.enabled', caller, async (transaction) => {
      await this.people.enable(transaction, id);
      return undefined;
    });
  }

  async #endIn(
    transaction: Transaction,
    personId: PersonId,
    because: SessionEnd,
    caller: Caller,
    tokens: { readonly tokensAreRefused?: true } = {},
  ): Promise<Ended> {
    // Also delegations whose session had already ended.
    const alongside = { also: [{ personId }], ...tokens };
    return { sessions: await this.ends.endIn(transaction, { personId }, because, by(caller), alongside) };
  }

  async #change(
    id: PersonId,
    name: 'person.disabled' | 'person.enabled' | 'person.sessions_ended',
    caller: Caller,
    change: (transaction: Transaction) => Promise<Ended | undefined>,
  ): Promise<PersonDetailJson> {
    const done = await this.database.transaction(async (transaction) => {
      await this.answers.begin(transaction, caller);
      if ((await this.people.lock(transaction, id)) === undefined) return undefined;
      const ended = await change(transaction);
      await this.outbox.record(transaction, events.event(name, by(caller), { id }));
      const row = await this.people.lock(transaction, id);
      if (row === undefined) throw new Error('a locked person must exist');
      const answer = await this.#detail(row, transaction);
      await this.answers.keep(transaction, caller, id, answer);
      return { ended, answer };
    });
    if (done === undefined) {
      const details = { id, outcome: 'failed', reason: 'PERSON_UNKNOWN' } as const;
      await this.outbox.recordDurably(events.event(name, by(caller), details));
      throw unknown();
    }
    const { ended, answer } = done;
    if (ended !== undefined) {
      await this.ends.announce(ended.sessions);
      if (ended.revoked !== undefined) await this.revocations.announce(ended.revoked);
    }
    return answer;
  }

  async #detail(row: PersonRow, transaction?: Transaction): Promise<PersonDetailJson> {
    const [sessions, delegations] = await Promise.all([
      this.sessions.liveOf(row.id, this.clock(), this.times, PERSON_DETAIL_LIMIT + 1, transaction),
      this.delegations.ofPerson(row.id, PERSON_DETAIL_LIMIT + 1, transaction),
    ]);
    return personDetailJson(row, sessions, delegations);
  }
}

function unknown(): Problem {
  return new Problem(404, 'PERSON_UNKNOWN', 'There is no such person.');
}
