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

/** Days for which an ended delegation is kept: its refresh tokens are recognised as ended, not as unknown. */
const KEPT_DAYS = 30;
const PRUNE_EVERY_MS = 60_000;
const PRUNE_AT_ONCE = 1_000;
/** Maximum ended in one transaction, since there may be very many. */
const END_AT_ONCE = 200;

/** The event for a new delegation. @param who the client that it is for */
export function begunEvent(
  { id, audience, scopes, clientId, personId, dpopKey }: NewDelegation,
  who: EventContext,
): NewAuditEvent {
  const changes = { person: personId, ...recordedRights(clientId, { audience, scopes }), bound_to: dpopKey };
  return events.event('delegation.begun', { ...who, txn: id }, { id, changes });
}

/** An end within the caller's transaction; pass it to {@link Delegations.announce} once that has committed. */
export interface EndedDelegations {
  readonly ended: readonly Delegation[];
  readonly revoked: readonly RevocationRow[];
}

/** What people allow applications: a delegation starts with a code or a device, and ends immediately everywhere. */
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

  /** An id for a new delegation. */
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
   * @param who caused it
   * @returns those that this call ended
   * @throws {Problem} 503 `REVOCATIONS_FULL`
   */
  async end(choice: DelegationChoice, because: DelegationEnd, who: EventContext): Promise<readonly Delegation[]> {
    const all = await this.database.transaction((transaction) => this.endIn(transaction, choice, because, who));
    await this.announce(all);
    return all.ended;
  }

  /**
   * Like {@link end}, in the caller's transaction; then call {@link announce}. All of them end before the first is revoked: a revocation locks
   * out all others until the commit, and one of those may hold a delegation that this call would wait for.
   * @param choices which delegations to end: those that any of the choices selects
   * @param tokensAreRefused whether their tokens have expired, or another entry of the feed refuses them
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

  /** Whether there are more than may end in one transaction: a statement over very many would exceed the time limit, and fail again each time. */
  async areMany(choice: DelegationChoice): Promise<boolean> {
    return (await this.store.liveIds(choice, { limit: END_AT_ONCE + 1 })).length > END_AT_ONCE;
  }

  /** Ends the selected ones in batches, each in its own transaction. Another entry of the feed refuses their tokens. */
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

  /** Pushes the revocations of ended delegations; if that is interrupted, the next round within a second does it. */
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
