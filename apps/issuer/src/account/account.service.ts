import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, DATABASE, type Database, type RequestTrace } from '@countersign/service-host';
import { CodesStore } from '../authorization/codes.store.js';
import { Consents } from '../consent/consents.service.js';
import { Delegations } from '../delegations/delegations.service.js';
import { DelegationUses } from '../delegations/delegation-uses.service.js';
import { DevicesStore } from '../device/devices.store.js';
import { events } from '../events.js';
import { type Audiences } from '../registry/audience-words.js';
import { AudienceWordsStore } from '../registry/audience-words.store.js';
import { SESSION_TIMES, type Session, type SessionId, type SessionTimes } from '../sessions/session.js';
import { SessionEnds } from '../sessions/session-ends.service.js';
import { byPerson } from '../sessions/sessions.service.js';
import { SessionsStore, type SessionsFilter } from '../sessions/sessions.store.js';
import { type SessionRow } from '../sessions/sessions.tables.js';
import { applicationsOf, type AllowedApplication } from './applications.js';

/** Maximum rows that the page shows; rows that are not shown can be ended with the rest. */
const ACCOUNT_LIMIT = 200;

interface AccountRead {
  readonly applications: readonly AllowedApplication[];
  readonly sessions: readonly SessionRow[];
  /** Whether there are more than these. */
  readonly more: { readonly applications: boolean; readonly sessions: boolean };
  /** What people call services and scopes. */
  readonly words: Audiences;
}

/** What a person sees of their account, and what they may end. */
@Injectable()
export class Account {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(Consents) private readonly consents: Consents,
    @Inject(CodesStore) private readonly codes: CodesStore,
    @Inject(DevicesStore) private readonly devices: DevicesStore,
    @Inject(AudienceWordsStore) private readonly words: AudienceWordsStore,
    @Inject(DelegationUses) private readonly uses: DelegationUses,
    @Inject(SessionsStore) private readonly sessions: SessionsStore,
    @Inject(SessionEnds) private readonly ends: SessionEnds,
    @Inject(SESSION_TIMES) private readonly times: SessionTimes,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async read(session: Session, trace: RequestTrace): Promise<AccountRead> {
    const { id } = session.person;
    const [delegations, consents, sessions, words] = await Promise.all([
      this.delegations.ofPerson(id, ACCOUNT_LIMIT + 1),
      this.consents.ofPerson(id, ACCOUNT_LIMIT + 1),
      this.sessions.liveOf(id, this.clock(), this.times, ACCOUNT_LIMIT + 1),
      this.words.all(),
    ]);
    const [shown, given] = [delegations.slice(0, ACCOUNT_LIMIT), consents.slice(0, ACCOUNT_LIMIT)];
    const uses = await this.uses.of(shown.map((delegation) => delegation.id));
    await this.outbox.recordDurably(events.event('account.shown', byPerson(session, trace), { id }));
    return {
      applications: applicationsOf(shown, uses, given),
      sessions: sessions.slice(0, ACCOUNT_LIMIT),
      more: {
        applications: Math.max(delegations.length, consents.length) > ACCOUNT_LIMIT,
        sessions: sessions.length > ACCOUNT_LIMIT,
      },
      words,
    };
  }

  /** Withdraws the person's consent and ends everything that they allowed an application, immediately and everywhere. @returns whether there was anything */
  async endApplication(session: Session, clientId: string, trace: RequestTrace): Promise<boolean> {
    const who = byPerson(session, trace);
    const whose = { personId: session.person.id, clientId };
    const { withdrawn, all } = await this.database.transaction(async (transaction) => {
      const withdrawn = await this.consents.withdraw(transaction, whose, who);
      await this.codes.withdraw(transaction, whose);
      await this.devices.withdraw(transaction, whose);
      return { withdrawn, all: await this.delegations.endIn(transaction, whose, 'BY_PERSON', who) };
    });
    await this.delegations.announce(all);
    return withdrawn.length > 0 || all.ended.length > 0;
  }

  /** Ends another session of the person, with all that was allowed in it: somebody who ends a session from elsewhere may have lost the device. @returns whether it was live */
  endSession(session: Session, id: SessionId, trace: RequestTrace): Promise<boolean> {
    return this.#end({ id, personId: session.person.id }, session, trace);
  }

  /** Ends all sessions of the person but this one. @returns whether there was any */
  endOtherSessions(session: Session, trace: RequestTrace): Promise<boolean> {
    return this.#end({ personId: session.person.id, except: session.id }, session, trace);
  }

  async #end(which: SessionsFilter, session: Session, trace: RequestTrace): Promise<boolean> {
    return (await this.ends.end(which, 'person', byPerson(session, trace))).length > 0;
  }
}
