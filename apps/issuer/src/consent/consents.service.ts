import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7, type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, type Transaction } from '@countersign/service-host';
import { events } from '../events.js';
import { type Client } from '../registry/client.js';
import { recordedRights } from './asked-rights.js';
import { ConsentsStore, type Consent, type ConsentKey } from './consents.store.js';

/**
 * Whether a person is asked each time: a public client whose answers go to an address that other programs on the machine may take proves
 * nothing of itself, so nothing may be given to its name unasked (RFC 8252, section 8.6).
 */
export function asksEachTime({ token_endpoint_auth_method: method }: Client, redirectUri: string): boolean {
  return method === 'none' && !redirectUri.startsWith('https:');
}

/** What people allow applications, in words. */
@Injectable()
export class Consents {
  constructor(
    @Inject(ConsentsStore) private readonly store: ConsentsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Whether a person has consented to all of it before.
   * @param transaction of the caller's, where it holds until that ends: a person who withdraws it at this moment waits for it, and it for them
   */
  async covers(key: ConsentKey, scopes: readonly string[], transaction?: Transaction): Promise<boolean> {
    if (transaction !== undefined) await this.store.hold(transaction, key, 'use');
    const given = await this.store.current(key, transaction);
    return given !== undefined && scopes.every((scope) => given.scopes.includes(scope));
  }

  /** Nobody else gives, uses or withdraws it until the transaction ends; before any other row of the transaction. */
  hold(transaction: Transaction, key: ConsentKey): Promise<void> {
    return this.store.hold(transaction, key, 'change');
  }

  /**
   * Records that a person consents, in a transaction of the caller's: with what was given before, as the next version.
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
   * Withdraws all that a person gave an application, in a transaction of the caller's. Afterwards, and not before, end in it what came of it, codes,
   * devices and delegations: what was being given at this moment is there by then, and nothing more comes until the transaction ends.
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
