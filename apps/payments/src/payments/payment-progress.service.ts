import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Caller, type Unattended } from '@countersign/service-host';
import { type TransferState } from '../accounts/transfer-state.js';
import { type Part } from '../changes/statement-parts.store.js';
import { ChangesStore, TRIES } from '../changes/changes.store.js';
import { checkAgainAt } from '../idempotency/step-lease.js';
import { DeliveriesStore } from '../webhooks/deliveries.store.js';
import { noticeOfStatus } from './payment-notice.js';
import { eventBy, type Action, type EventName } from '../event-by.js';
import { isCertain, applyTransfer, postpone } from './payment-steps.js';
import { type Payment } from './payment.js';
import { PaymentsStore } from './payments.store.js';

/** A payment's new state. */
export interface Settled {
  readonly payment: Payment;
  /** Whether this call recorded it; otherwise another did: a request with the same key, or recovery. */
  readonly isOwn: boolean;
}

/** Commits a payment's new state; used by everyone who gets its transfer's state: its request, a repeat, recovery. */
@Injectable()
export class PaymentProgress {
  constructor(
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(DeliveriesStore) private readonly deliveries: DeliveriesStore,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * The payment follows its transfer: status, event and notices commit together, along with the response stored for the caller's key. If another has
   * changed the payment in the meantime, its new state counts.
   * @returns undefined if a refusal is no longer final: another run has sent a request since, and must report its outcome
   */
  async settle(
    before: Payment,
    transfer: TransferState,
    who: Caller | Unattended,
    answer: (payment: Payment) => readonly Part[] = () => [],
  ): Promise<Settled | undefined> {
    for (let [payment, tries] = [before, 0]; ; tries += 1) {
      if (tries > TRIES) throw new Error(`payment ${before.id} changes too often`);
      const now = this.clock();
      const mayChange = transfer.kind === 'refused' || transfer.kind === 'absent';
      const overtaken = payment !== before && (payment.status === 'created' || payment.pending !== null);
      if (mayChange && overtaken && !isCertain(payment, now)) return undefined;
      const after = applyTransfer(payment, transfer, now);
      const parts = [...this.#parts(before, payment, after, transfer, who, now), ...answer(after)];
      if (parts.length === 0 || (await this.changes.commit(parts)) === 'done')
        return { payment: after, isOwn: after !== payment };
      payment = await this.payments.get(before.id);
    }
  }

  /** Leaves the payment to a repeat of the request or to recovery. `sent`: a request may still arrive. */
  async leave(payment: Payment, sent: boolean, parts: readonly Part[], dueAgainAt?: Date): Promise<void> {
    const now = this.clock();
    const update = this.payments.update(payment, postpone(payment, sent, dueAgainAt ?? checkAgainAt(now), now));
    if ((await this.changes.commit([update, ...parts])) === 'stale' && parts.length > 0)
      await this.changes.commit(parts);
  }

  /** @param ordered the payment as its order went out */
  #parts(
    ordered: Payment,
    before: Payment,
    after: Payment,
    transfer: TransferState,
    who: Caller | Unattended,
    now: Date,
  ): readonly Part[] {
    if (after === before) return [];
    const notice = noticeOfStatus(before, after, now);
    const refused = before.status === after.status && transfer.kind === 'refused' ? transfer.code : undefined;
    const name = refused === undefined ? endOf(after.status) : (`payment.${before.pending ?? 'step'}_refused` as const);
    const event = eventBy(
      who,
      name,
      {
        id: after.id,
        action: actionOf(name === 'payment.step_refused' ? ordered : before, after),
        failure: refused ?? after.failure ?? undefined,
        changes: { status: { from: before.status, to: after.status }, transfer_id: after.transferId, ...sums(after) },
      },
      after,
    );
    return [
      this.payments.update(before, after),
      this.changes.event(event),
      ...(notice === undefined ? [] : [this.deliveries.insert(notice)]),
    ];
  }
}

const endNames: Partial<Record<Payment['status'], EventName>> = {
  held: 'payment.held',
  settled: 'payment.settled',
  failed: 'payment.failed',
  cancelled: 'payment.cancelled',
  expired: 'payment.expired',
};

/** The possible outcomes of a payment's transfer; refunds have their own events. */
function endOf(status: Payment['status']): EventName {
  const name = endNames[status];
  if (name === undefined) throw new Error(`no transfer makes a payment ${status}`);
  return name;
}

function actionOf(before: Payment, after: Payment): Action {
  if (after.status === 'expired') return 'payments:expire';
  return before.status === 'created' ? 'payments:create' : `payments:${before.pending ?? 'capture'}`;
}

function sums({ status, captured, currency }: Payment): object {
  return status === 'settled' ? { captured: { amount: captured.toString(), currency } } : {};
}
