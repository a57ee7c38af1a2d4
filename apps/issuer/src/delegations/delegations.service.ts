import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7, type EventContext, type NewAuditEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, Background, CLOCK, DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { recordedRights } from '../consent/asked-rights.js';
import { events } from '../events.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { RevocationService } from '../revocation/revocation.service.js';
import {
  delegationIdSchema,
  type Delegation,
  type DelegationEnd,
  type DelegationId,
  type NewDelegation,
} from './delegation.js';
import { DelegationsStore, type DelegationChoice } from './delegations.store.js';

/** Days for which an ended delegation is kept: refresh tokens of it are known as ended, not as unknown. */
const KEPT_DAYS = 30;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_AT_ONCE = 1_000;
/** Ended in one transaction where there may be very many. */
const END_AT_ONCE = 200;

/** The event of a delegation that begins. @param who the client that it is for */
export function begunEvent(
  { id, audience, scopes, clientId, personId, dpopKey }: NewDelegation,
  who: EventContext,
): NewAuditEvent {
  const changes = { person: personId, ...recordedRights(clientId, { audience, scopes }), bound_to: dpopKey };
  return events.event('delegation.begun', { ...who, txn: id }, { id, changes });
}

/** An end that is in the caller's transaction; give it to {@link Delegations.announce} once that has committed. */
export interface EndedDelegations {
  readonly ended: readonly Delegation[];
  readonly revoked: readonly RevocationRow[];
}

/** What people allow applications: it begins with a code or a device, and ends at once everywhere. */
@Injectable()
export class Delegations implements OnModuleInit {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(DelegationsStore) private readonly store: DelegationsStore,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** An id for a delegation that is about to begin. */
  newId(): DelegationId {
    return delegationIdSchema.parse(uuidv7(this.clock().getTime()));
  }

  find(id: DelegationId, executor?: Database | Transaction): Promise<Delegation | undefined> {
    return this.store.find(id, executor);
  }

  /** Those of a person that have not ended, newest first. */
  ofPerson(personId: string, limit: number, transaction?: Transaction): Promise<readonly Delegation[]> {
    return this.store.ofPerson(personId, limit, transaction);
  }

  /**
   * Ends the selected ones that have not ended: no refresh token of theirs works from the commit on, and every validator refuses their access tokens,
   * with everything exchanged for them.
   * @param who sets it off
   * @returns those that ended by this
   * @throws {Problem} 503 `REVOCATIONS_FULL`
   */
  async end(choice: DelegationChoice, because: DelegationEnd, who: EventContext): Promise<readonly Delegation[]> {
    const all = await this.database.transaction((transaction) => this.endIn(transaction, choice, because, who));
    await this.announce(all);
    return all.ended;
  }

  /**
   * Like {@link end}, in a transaction of the caller's; then {@link announce}. All of them have ended before the first is revoked: a revocation keeps
   * all others out until the commit, and one of those may hold a delegation that this would wait for.
   * @param choices which are meant; of several, what any of them selects
   * @param tokensAreRefused whether their tokens are over, or another entry of the feed refuses them
   */
  async endIn(
    transaction: Transaction,
    choices: DelegationChoice | readonly DelegationChoice[],
    because: DelegationEnd,
    who: EventContext,
    { tokensAreRefused = false }: { readonly tokensAreRefused?: boolean } = {},
  ): Promise<EndedDelegations> {
    const ended: Delegation[] = [];
    for (const choice of [choices].flat())
      ended.push(...(await this.store.end(transaction, choice, because, this.clock())));
    const revoked: RevocationRow[] = [];
    const ends: NewAuditEvent[] = [];
    for (const { id, clientId, personId } of ended) {
      const requested = { kind: 'transaction', txn: id, holder: clientId } as const;
      if (!tokensAreRefused) revoked.push(await this.revocations.recordIn(transaction, requested, { ...who, txn: id }));
      const changes = { person: personId, client_id: clientId, because };
      ends.push(events.event('delegation.ended', { ...who, txn: id }, { id, changes }));
    }
    await this.outbox.recordAll(transaction, ends);
    return { ended, revoked };
  }

  /** Whether more are meant than may end in one transaction: a statement over very many takes longer than one may, and fails again each time. */
  async areMany(choice: DelegationChoice): Promise<boolean> {
    return (await this.store.liveIds(choice, { limit: END_AT_ONCE + 1 })).length > END_AT_ONCE;
  }

  /** Ends the selected ones, each portion in a transaction of its own. Another entry of the feed refuses their tokens. */
  async endMany(choice: DelegationChoice, because: DelegationEnd, who: EventContext): Promise<void> {
    for (let after: DelegationId | undefined; ;) {
      const ids = await this.store.liveIds(choice, { after, limit: END_AT_ONCE });
      await this.database.transaction((transaction) =>
        this.endIn(transaction, { ids }, because, who, { tokensAreRefused: true }),
      );
      after = ids.at(-1);
      if (ids.length < END_AT_ONCE) return;
    }
  }

  /** Pushes the revocations of ended delegations; where that is cut off, the next round within a second does it. */
  async announce({ revoked }: EndedDelegations): Promise<void> {
    for (const row of revoked) await this.revocations.announce(row);
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'ended_delegations',
      everyMs: PRUNE_EVERY_MS,
      run: async () => {
        const before = new Date(this.clock().getTime() - KEPT_DAYS * 86_400_000);
        return (await this.store.prune(before, PRUNE_AT_ONCE)) === PRUNE_AT_ONCE ? 'again' : undefined;
      },
    });
  }
}
