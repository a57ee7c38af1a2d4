import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7, type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, type Transaction } from '@countersign/service-host';
import { events } from '../events.js';
import { type Client } from '../registry/client.js';
import { recordedRights } from './asked-rights.js';
import { ConsentsStore, type Consent, type ConsentKey } from './consents.store.js';

/**
 * Whether a person is asked each time: a public client whose responses go to an address that other programs on the machine may claim proves
 * nothing about itself, so nothing may be granted to it without asking (RFC 8252, section 8.6).
 */
export function asksEachTime({ token_endpoint_auth_method: method }: Client, redirectUri: string): boolean {
  return method === 'none' && !redirectUri.startsWith('https:');
}

/** What people allow applications, as they read it. */
@Injectable()
export class Consents {
  constructor(
    @Inject(ConsentsStore) private readonly store: ConsentsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Whether a person has consented to all of it before.
   * @param transaction the caller's, in which the answer holds until it ends: a concurrent withdrawal waits for it, and vice versa
   */
  async covers(key: ConsentKey, scopes: readonly string[], transaction?: Transaction): Promise<boolean> {
    if (transaction !== undefined) await this.store.hold(transaction, key, 'use');
    const given = await this.store.current(key, transaction);
    return given !== undefined && scopes.every((scope) => given.scopes.includes(scope));
  }

  /** Until the transaction ends nobody else grants, uses or withdraws it; call this before locking any other row. */
  hold(transaction: Transaction, key: ConsentKey): Promise<void> {
    return this.store.hold(transaction, key, 'change');
  }

  /**
   * Records a person's consent in the caller's transaction, as the next version, together with what was granted before.
   * @param shown the names and words that the person read
   */
  async give(
    transaction: Transaction,
    key: ConsentKey,
    scopes: readonly string[],
    shown: object,
    who: EventContext,
  ): Promise<void> {
    await this.store.hold(transaction, key, 'change');
    const now = this.clock();
    const id = uuidv7(now.getTime());
    const before = await this.store.current(key, transaction);
    const all = [...new Set([...(before?.scopes ?? []), ...scopes])];
    const version = await this.store.add(transaction, key, { id, scopes: all, shown, givenAt: now });
    const { clientId, audience } = key;
    const changes = { ...recordedRights(clientId, { audience, scopes }), version };
    await this.outbox.record(transaction, events.event('consent.given', who, { id, changes }));
  }

  /**
   * Withdraws everything that a person granted an application, in the caller's transaction. Then, not before, end in the same transaction its codes,
   * devices and delegations: any that were just being created exist by then, and no more are created until the transaction ends.
   */
  async withdraw(
    transaction: Transaction,
    { personId, clientId }: Omit<ConsentKey, 'audience'>,
    who: EventContext,
  ): Promise<readonly Consent[]> {
    await this.store.hold(transaction, { personId, clientId }, 'change');
    const withdrawn = await this.store.withdraw(transaction, personId, clientId, this.clock());
    for (const { id, audience, scopes, version } of withdrawn) {
      const changes = { ...recordedRights(clientId, { audience, scopes }), version };
      await this.outbox.record(transaction, events.event('consent.withdrawn', who, { id, changes }));
    }
    return withdrawn;
  }

  /** What a person has consented to, by application and service. */
  ofPerson(personId: string, limit: number): Promise<readonly Consent[]> {
    return this.store.ofPerson(personId, limit);
  }
}
