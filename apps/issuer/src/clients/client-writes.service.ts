import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, type Transaction } from '@countersign/service-host';
import { events } from '../events.js';
import { clientJson, type ClientRecord } from '../registry/client-record.js';
import { ClientsStore } from '../registry/clients.store.js';
import { DescribedClients } from '../described-clients/described-clients.store.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { type RevocationCause } from '../revocation/revocation.js';
import { RevocationService } from '../revocation/revocation.service.js';

/** The events of changes that an administrator can make. */
export type ClientChange =
  | 'client.registered'
  | 'client.replaced'
  | 'client.disabled'
  | 'client.enabled'
  | 'client-key.added'
  | 'client-key.removed'
  | 'client-secret.added'
  | 'client-secret.removed';

/** What every change of a client commits: the client, the end of what its policy no longer allows, and the event. */
@Injectable()
export class ClientWrites {
  constructor(
    @Inject(ClientsStore) private readonly store: ClientsStore,
    @Inject(DescribedClients) private readonly described: DescribedClients,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** Saves a client. With a policy for clients that describe themselves end those that it no longer allows. @returns their revocations */
  async save(
    transaction: Transaction,
    before: ClientRecord | undefined,
    after: ClientRecord,
    version: number,
    who: EventContext,
    why: RevocationCause = {},
  ): Promise<readonly RevocationRow[]> {
    const { client_id: policy } = after.registration;
    const describes = before?.registration.metadata_documents !== undefined;
    const had = describes ? await this.described.under(transaction, policy) : [];
    await this.store.save(transaction, after, version);
    const allowed =
      had.length === 0 || after.disabledAt !== null ? [] : await this.described.under(transaction, policy);
    const has = new Set(allowed.map(({ clientId }) => clientId));
    const rows: RevocationRow[] = [];
    for (const { clientId } of had.filter((one) => !has.has(one.clientId)))
      rows.push(await this.revocations.recordIn(transaction, { kind: 'client', clientId }, who, why));
    return rows;
  }

  /** Records a change: before and after, never a secret. */
  async record(
    transaction: Transaction,
    change: ClientChange | 'client.declared',
    clientId: string,
    before: ClientRecord | undefined,
    after: ClientRecord,
    who: EventContext,
  ): Promise<void> {
    const changes = { before: before === undefined ? null : clientJson(before), after: clientJson(after) };
    await this.outbox.record(transaction, events.event(change, who, { id: clientId, changes }));
  }
}
