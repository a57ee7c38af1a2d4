import { principalOf, type NewAuditEvent } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { auditRequest, type RequestTrace } from '@countersign/service-host';
import { type Refusal } from './refusal.js';
import { type LedgerCommand } from './transfer-command.js';
import { transferToJson, type Transfer, type TransferId } from './transfer.js';

/** Who asked, and by which request. */
export interface Asker {
  readonly caller: Principal;
  readonly trace: RequestTrace;
}

export type TransferAction =
  'transfers:create' | 'transfers:post' | 'transfers:void' | 'transfers:expire' | 'transfers:read';

export const actionOf: Readonly<Record<LedgerCommand['kind'], TransferAction>> = {
  create: 'transfers:create',
  post: 'transfers:post',
  void: 'transfers:void',
  expire: 'transfers:expire',
};

/** An event about a transfer, by somebody who asked for it. */
export function transferEvent(
  done: string,
  action: TransferAction,
  id: TransferId,
  { caller, trace }: Asker,
): NewAuditEvent {
  return {
    type: `countersign.accounts.transfer.${done}.v1`,
    subject: id,
    traceparent: trace.traceparent,
    data: {
      principal: principalOf(caller),
      txn: caller.txn,
      action,
      resource: `transfer/${id}`,
      outcome: 'allowed',
      request: auditRequest(trace),
    },
  };
}

/** A look at a page of transfers. @param ids those that it showed */
export function listedEvent(ids: readonly string[], { caller, trace }: Asker): NewAuditEvent {
  return {
    type: 'countersign.accounts.transfers.listed.v1',
    subject: 'transfers',
    traceparent: trace.traceparent,
    data: {
      principal: principalOf(caller),
      txn: caller.txn,
      action: 'transfers:list',
      resource: 'transfers',
      outcome: 'allowed',
      request: auditRequest(trace),
      changes: { shown: ids.length, first: ids[0] ?? null, last: ids.at(-1) ?? null },
    },
  };
}

export function refusedEvent(action: TransferAction, id: TransferId, refusal: Refusal, asker: Asker): NewAuditEvent {
  const event = transferEvent('refused', action, id, asker);
  const outcome = refusal.denied ? 'denied' : 'failed';
  return { ...event, data: { ...event.data, outcome, reason: refusal.reason } };
}

/** What changed: the legs when the transfer is made, the amount of a partial post, the time of a hold. */
function changesOf(transfer: Transfer, action: TransferAction, now: Date): Record<string, unknown> {
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
    ...(hold === null || action !== 'transfers:create' ? {} : { expires_at: hold.expires_at }),
    ...(hold?.posted_amount == null ? {} : { posted_amount: hold.posted_amount }),
  };
}

/** The event of a command that was carried out. */
export function doneEvent(transfer: Transfer, action: TransferAction, asker: Asker, now: Date): NewAuditEvent {
  const event = transferEvent(transfer.hold?.status ?? 'posted', action, transfer.id, asker);
  return { ...event, data: { ...event.data, changes: changesOf(transfer, action, now) } };
}

/** A hold that nobody ended: the ledger's own event, in the trail of who made it. */
export function expiredEvent(transfer: Transfer, now: Date): NewAuditEvent {
  return {
    type: 'countersign.accounts.transfer.expired.v1',
    subject: transfer.id,
    traceparent: undefined,
    data: {
      principal: null,
      txn: transfer.origin.txn,
      action: 'transfers:expire',
      resource: `transfer/${transfer.id}`,
      outcome: 'allowed',
      changes: changesOf(transfer, 'transfers:expire', now),
    },
  };
}
