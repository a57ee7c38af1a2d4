import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, DATABASE, type Database, type RequestTrace } from '@countersign/service-host';
import { Delegations } from '../delegations/delegations.service.js';
import { DelegationUses } from '../delegations/delegation-uses.service.js';
import { events } from '../events.js';
import { SESSION_TIMES, type Session, type SessionId, type SessionTimes } from '../sessions/session.js';
import { SessionEnds } from '../sessions/session-ends.service.js';
import { byPerson } from '../sessions/sessions.service.js';
import { SessionsStore } from '../sessions/sessions.store.js';
import { type SessionRow } from '../sessions/sessions.tables.js';
import { applicationsOf, type AllowedApplication } from './applications.js';

/** Rows that the page shows at most; what is not shown can be ended with the rest. */
export const ACCOUNT_LIMIT = 200;

/** What a person sees of their own account, and what they may end. */
@Injectable()
export class Account {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(DelegationUses) private readonly uses: DelegationUses,
    @Inject(SessionsStore) private readonly sessions: SessionsStore,
    @Inject(SessionEnds) private readonly ends: SessionEnds,
    @Inject(SESSION_TIMES) private readonly times: SessionTimes,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async read(
    session: Session,
    trace: RequestTrace,
  ): Promise<{ readonly applications: readonly AllowedApplication[]; readonly sessions: readonly SessionRow[] }> {
    const { id } = session.person;
    const [delegations, sessions] = await Promise.all([
      this.delegations.ofPerson(id, ACCOUNT_LIMIT),
      this.sessions.liveOf(id, this.clock(), this.times, ACCOUNT_LIMIT),
    ]);
    const uses = await this.uses.of(delegations.map((delegation) => delegation.id));
    await this.outbox.recordDurably(events.event('account.shown', byPerson(session, trace), { id }));
    return { applications: applicationsOf(delegations, uses), sessions };
  }

  /** Ends all that the person allowed an application, at once everywhere. */
  async endApplication(session: Session, clientId: string, trace: RequestTrace): Promise<void> {
    const who = byPerson(session, trace);
    const ended = await this.database.transaction((transaction) =>
      this.delegations.endIn(transaction, { personId: session.person.id, clientId }, 'BY_PERSON', who),
    );
    await this.delegations.announce(ended);
  }

  /** Ends another session of the person, with all that was allowed in it: who ends a session from elsewhere may have lost the device. */
  async endSession(session: Session, id: SessionId, trace: RequestTrace): Promise<void> {
    await this.ends.end({ id, personId: session.person.id }, 'person', byPerson(session, trace));
  }

  /** Ends all sessions of the person but this one. */
  async endOtherSessions(session: Session, trace: RequestTrace): Promise<void> {
    await this.ends.end({ personId: session.person.id, except: session.id }, 'person', byPerson(session, trace));
  }
}
