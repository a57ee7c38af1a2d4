import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { type DelegationEnd } from '../delegations/delegation.js';
import { Delegations, type EndedDelegations } from '../delegations/delegations.service.js';
import { type DelegationChoice } from '../delegations/delegations.store.js';
import { events } from '../events.js';
import { LogoutNotices } from '../logout-notices/logout-notices.service.js';
import { type SessionEnd } from './session.js';
import { SessionsStore, type SessionsFilter } from './sessions.store.js';
import { type SessionRow } from './sessions.tables.js';

/** Ends within the caller's transaction; pass them to {@link SessionEnds.announce} once that has committed. */
export interface EndedSessions {
  readonly sessions: readonly SessionRow[];
  readonly delegations: EndedDelegations;
}

/** What ends together with sessions. */
interface EndedAlongside {
  readonly also?: readonly DelegationChoice[];
  readonly tokensAreRefused?: boolean;
}

const delegationEnds: Readonly<Record<SessionEnd, DelegationEnd>> = {
  'sign-out': 'SESSION_ENDED',
  provider: 'SESSION_ENDED',
  'another-person': 'SESSION_ENDED',
  person: 'BY_PERSON',
  admin: 'BY_ADMIN',
  disabled: 'BY_ADMIN',
};

/**
 * Signing out keeps what was allowed with `offline_access` (OpenID Connect Back-Channel Logout, section 2.7); every other end ends everything.
 */
const leavesOffline: ReadonlySet<SessionEnd> = new Set(['sign-out', 'provider', 'another-person']);

/** The end of sessions, and of what was allowed in them. */
@Injectable()
export class SessionEnds {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(SessionsStore) private readonly store: SessionsStore,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(LogoutNotices) private readonly notices: LogoutNotices,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** Ends live sessions at once, at all replicas. @returns those that this call ended. @throws {Problem} 503 `REVOCATIONS_FULL` */
  async end(which: SessionsFilter, by: SessionEnd, who: EventContext): Promise<readonly SessionRow[]> {
    const ended = await this.database.transaction((transaction) => this.endIn(transaction, which, by, who));
    await this.announce(ended);
    return ended.sessions;
  }

  /**
   * Like {@link end}, in the caller's transaction; then call {@link announce}.
   * @param also delegations that end with them, regardless of their session
   * @param tokensAreRefused whether another entry of the feed refuses what was allowed
   */
  async endIn(
    transaction: Transaction,
    which: SessionsFilter,
    by: SessionEnd,
    who: EventContext,
    { also = [], tokensAreRefused = false }: EndedAlongside = {},
  ): Promise<EndedSessions> {
    const sessions = await this.store.end(transaction, which, by, this.clock());
    const online = leavesOffline.has(by) ? { online: true } : {};
    const inSessions = sessions.map(({ id }) => ({ sessionId: id, ...online }));
    const choices = [...inSessions, ...also];
    const because = delegationEnds[by];
    const delegations = await this.delegations.endIn(transaction, choices, because, who, { tokensAreRefused });
    for (const { id, personId } of sessions) {
      await this.notices.addIn(transaction, { id, personId, txn: who.txn });
      await this.outbox.record(
        transaction,
        events.event('session.ended', who, { id, changes: { person: personId, because: by } }),
      );
    }
    return { sessions, delegations };
  }

  async announce({ delegations, sessions }: EndedSessions): Promise<void> {
    if (sessions.length > 0) this.notices.wake();
    await this.delegations.announce(delegations);
  }
}
