import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { AUDIT_OUTBOX, DATABASE, type Database } from '@countersign/service-host';
import { type Delegation, type NewDelegation } from '../delegations/delegation.js';
import { begunEvent } from '../delegations/delegations.service.js';
import { delegationTable } from '../delegations/delegations.tables.js';
import { type IssuerUnderTest } from './issuer-under-test.js';

/** A delegation that began without a code, with its event. */
export async function delegationBegun(
  { apps: [app] }: Pick<IssuerUnderTest, 'apps'>,
  delegation: NewDelegation,
  who: EventContext,
): Promise<Delegation> {
  if (app === undefined) throw new Error('no issuer');
  const outbox = app.get<AuditOutbox>(AUDIT_OUTBOX);
  await app.get<Database>(DATABASE).transaction(async (transaction) => {
    await transaction.insert(delegationTable).values(delegation);
    await outbox.record(transaction, begunEvent(delegation, who));
  });
  return { ...delegation, endedAt: undefined };
}
