import { EVERY, type NewAuditEvent } from '@countersign/audit-event';
import { by, byItself, unattended, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { type Refusal } from './refusal.js';
import { type LedgerCommand } from './transfer-command.js';
import { transferToJson, type Transfer, type TransferId } from './transfer.js';

const actions = {
  create: 'transfers:create',
  post: 'transfers:post',
  void: 'transfers:void',
  expire: 'transfers:expire',
  read: 'transfers:read',
} as const;

/** A command on a transfer, or a read of it. */
export type TransferAct = LedgerCommand['kind'] | 'read';

/** A read of a transfer, or a command that was executed before. */
export function seenEvent(how: 'read' | 'repeated', act: TransferAct, id: TransferId, caller: Caller): NewAuditEvent {
  return events.event(`transfer.${how}`, by(caller), { id, action: actions[act] });
}

/** A read of a page of transfers. @param ids those that it showed */
export function listedEvent(ids: readonly string[], caller: Caller): NewAuditEvent {
  const changes = { shown: ids.length, first: ids[0] ?? null, last: ids.at(-1) ?? null };
  return events.event('transfers.listed', by(caller), { id: EVERY, changes });
}

export function refusedEvent(act: TransferAct, id: TransferId, refusal: Refusal, caller: Caller): NewAuditEvent {
  const outcome = refusal.denied ? 'denied' : 'failed';
  return events.event('transfer.refused', by(caller), { id, action: actions[act], outcome, reason: refusal.reason });
}

/** What changed: the legs of a new transfer, the amount of a partial post, the expiry of a hold. */
function changesOf(transfer: Transfer, act: TransferAct, now: Date): Record<string, unknown> {
  const { debit_account, credit_account, amount, legs, reference, corrects, hold, status } = transferToJson(
    transfer,
    now,
  );
  const moved = debit_account === undefined ? { legs } : { debit_account, credit_account, amount };
  return {
    ...moved,
    reference,
    status,
    ...(corrects === null ? {} : { corrects }),
    ...(hold === null || act !== 'create' ? {} : { expires_at: hold.expires_at }),
    ...(hold?.posted_amount == null ? {} : { posted_amount: hold.posted_amount }),
  };
}

/** The event for an executed command. */
export function doneEvent(transfer: Transfer, act: TransferAct, caller: Caller, now: Date): NewAuditEvent {
  const { id, hold } = transfer;
  const details = { id, action: actions[act], changes: changesOf(transfer, act, now) };
  return events.event(`transfer.${hold?.status ?? 'posted'}`, by(caller), details);
}

/** A hold that nobody ended: the ledger's own event, under the hold's maker. */
export function expiredEvent(transfer: Transfer, now: Date): NewAuditEvent {
  const { id, origin } = transfer;
  const itself = byItself(unattended({ txn: origin.txn }));
  return events.event('transfer.expired', itself, { id, changes: changesOf(transfer, 'expire', now) });
}
