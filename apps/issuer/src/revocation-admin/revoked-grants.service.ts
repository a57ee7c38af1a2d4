import { Inject, Injectable } from '@nestjs/common';
import { type EventContext } from '@countersign/audit-event';
import { type Transaction } from '@countersign/service-host';
import { CodesStore } from '../authorization/codes.store.js';
import { delegationIdSchema } from '../delegations/delegation.js';
import { Delegations, type EndedDelegations } from '../delegations/delegations.service.js';
import { DevicesStore } from '../device/devices.store.js';
import { PeopleStore } from '../people/people.store.js';
import { personIdSchema, type PersonId } from '../people/person.js';
import { type RevocationRequest } from '../revocation/revocation.js';
import { SessionEnds, type EndedSessions } from '../sessions/session-ends.service.js';

/** Ends within the caller's transaction; pass them to {@link RevokedGrants.announce} once that has committed. */
export interface EndedGrants {
  readonly sessions?: EndedSessions;
  readonly delegations?: EndedDelegations;
}

const before = (seconds: number | undefined): { readonly before?: Date } =>
  seconds === undefined ? {} : { before: new Date(seconds * 1_000) };

/**
 * Whatever could yield new tokens in place of revoked ones: a person's sessions, and what people allowed applications, with its refresh tokens.
 * It ends together with the tokens; otherwise the revocation would last only for a token's lifetime.
 */
@Injectable()
export class RevokedGrants {
  constructor(
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(SessionEnds) private readonly sessions: SessionEnds,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(CodesStore) private readonly codes: CodesStore,
    @Inject(DevicesStore) private readonly devices: DevicesStore,
  ) {}

  /**
   * Ends everything that revocations include, in the caller's transaction. What several clients were allowed ends before any of it is revoked: a revocation
   * blocks all others until the commit, and one of those may hold what this would wait for.
   * @throws {Problem} 503 `REVOCATIONS_FULL`
   */
  async endIn(
    transaction: Transaction,
    requests: readonly RevocationRequest[],
    who: EventContext,
  ): Promise<readonly EndedGrants[]> {
    const clients = requests.filter((request) => request.kind === 'client');
    const ended: EndedGrants[] = clients.length === 0 ? [] : [await this.#ofClients(transaction, clients, who)];
    for (const request of requests)
      if (request.kind !== 'client') ended.push(await this.#of(transaction, request, who));
    return ended;
  }

  async #of(
    transaction: Transaction,
    request: Exclude<RevocationRequest, { readonly kind: 'client' }>,
    who: EventContext,
  ): Promise<EndedGrants> {
    switch (request.kind) {
      case 'subject': {
        const person = personIdSchema.safeParse(request.subject);
        return person.success ? this.#ofPerson(transaction, person.data, request.issuedBefore, who) : {};
      }
      case 'transaction': {
        const id = delegationIdSchema.safeParse(request.txn);
        if (!id.success) return {};
        return { delegations: await this.delegations.endIn(transaction, { id: id.data }, 'BY_ADMIN', who) };
      }
      case 'token':
      case 'api-key':
      case 'key':
        return {};
    }
  }

  /** Whether a client was allowed more than one transaction may end. */
  areMany(clientId: string): Promise<boolean> {
    return this.delegations.areMany({ clientId });
  }

  /** Ends what a client was allowed, in batches; its own revocation refuses the tokens. */
  endMany(clientId: string, who: EventContext): Promise<void> {
    return this.delegations.endMany({ clientId }, 'BY_ADMIN', who);
  }

  async announce({ sessions, delegations }: EndedGrants): Promise<void> {
    if (sessions !== undefined) await this.sessions.announce(sessions);
    if (delegations !== undefined) await this.delegations.announce(delegations);
  }

  async #ofPerson(
    transaction: Transaction,
    personId: PersonId,
    seconds: number | undefined,
    who: EventContext,
  ): Promise<EndedGrants> {
    await this.people.lock(transaction, personId);
    const choice = { personId, ...before(seconds) };
    // Also what was allowed in sessions that had already ended.
    const alongside = { also: [choice], tokensAreRefused: seconds === undefined };
    return { sessions: await this.sessions.endIn(transaction, choice, 'admin', who, alongside) };
  }

  /** @param clients all of them until the same time */
  async #ofClients(
    transaction: Transaction,
    clients: readonly Extract<RevocationRequest, { readonly kind: 'client' }>[],
    who: EventContext,
  ): Promise<EndedGrants> {
    for (const { clientId } of clients) {
      await this.codes.withdraw(transaction, { clientId });
      await this.devices.withdraw(transaction, { clientId });
    }
    const choices = clients.map(({ clientId, issuedBefore }) => ({ clientId, ...before(issuedBefore) }));
    // There may be very many; the clients' own entries refuse their tokens.
    const tokensAreRefused = clients.every(({ issuedBefore }) => issuedBefore === undefined);
    return { delegations: await this.delegations.endIn(transaction, choices, 'BY_ADMIN', who, { tokensAreRefused }) };
  }
}
