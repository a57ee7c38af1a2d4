import { Inject, Injectable } from '@nestjs/common';
import { moneyToJson } from '@countersign/money';
import { CLOCK, type Caller, type Unattended } from '@countersign/service-host';
import { type AccountsClient, type Authority, type TransferOrder } from '../accounts/accounts.client.js';
import { type TransferOutcome, type TransferState } from '../accounts/transfer-state.js';
import { type Part } from '../changes/statement-parts.store.js';
import { ChangesStore, TRIES } from '../changes/changes.store.js';
import { checkAgainAt } from '../idempotency/step-lease.js';
import { eventBy } from '../event-by.js';
import { endRefund, isCertain } from '../payments/payment-steps.js';
import { paymentToJson, type Payment } from '../payments/payment.js';
import { PaymentsStore } from '../payments/payments.store.js';
import { DeliveriesStore } from '../webhooks/deliveries.store.js';
import { makeNotice, type Notice } from '../webhooks/notice.js';
import { changedRefund, refundToJson, type Refund } from './refund.js';
import { RefundsStore } from './refunds.store.js';

/** How a refund's transfer ended. */
export type RefundEnd = Extract<TransferState, { kind: 'posted' | 'refused' }>;

/** A refund's transfer: the payment's, reversed. The ledger links it to the one that it corrects. */
function orderOf(payment: Payment, refund: Refund): TransferOrder {
  return {
    id: refund.transferId,
    debitAccount: payment.toAccount,
    creditAccount: payment.fromAccount,
    amount: refund.amount,
    currency: refund.currency,
    reference: refund.reason,
    corrects: payment.transferId,
  };
}

/**
 * Sends accounts the request for a refund. Recovery sends it in payments' own name, its maker in theirs: to the ledger those are two transfers, so if
 * one of them has made it, the other's is refused although the money was paid back. Then payments' own transfer counts, no matter for whom.
 */
export async function orderRefund(
  accounts: AccountsClient,
  payment: Payment,
  refund: Refund,
  authority: Authority,
  asCorrector: boolean,
): Promise<TransferOutcome> {
  const outcome = await accounts.order(orderOf(payment, refund), authority, asCorrector);
  if (outcome.kind !== 'refused' || outcome.code !== 'TRANSFER_ID_REUSED') return outcome;
  const made = await accounts.read(refund.transferId, { traceparent: authority.traceparent });
  return made.kind === 'absent' ? outcome : made;
}

function noticeOf(refund: Refund, payment: Payment, now: Date): Notice {
  const type = refund.status === 'settled' ? 'refund.settled' : 'refund.failed';
  return makeNotice(type, payment, { payment: paymentToJson(payment), refund: refundToJson(refund) }, now);
}

/** A refund's new state, with its payment. */
export interface EndedRefund {
  readonly refund: Refund;
  readonly payment: Payment;
  /** Whether this call recorded it; otherwise another did: a request with the same key, or recovery. */
  readonly isOwn: boolean;
}

/** Commits a refund's new state, with that of its payment. */
@Injectable()
export class RefundProgress {
  constructor(
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(RefundsStore) private readonly refunds: RefundsStore,
    @Inject(DeliveriesStore) private readonly deliveries: DeliveriesStore,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Refund, payment, event, notices and answer commit together. If another has ended the refund in the meantime, that counts.
   * @returns undefined if a refusal is no longer final: another run has sent a request since, and must report its outcome
   */
  async settle(
    payment: Payment,
    refund: Refund,
    end: RefundEnd,
    who: Caller | Unattended,
    answer: (refund: Refund, payment: Payment) => readonly Part[] = () => [],
  ): Promise<EndedRefund | undefined> {
    for (let [part, whole, tries] = [refund, payment, 0]; ; tries += 1) {
      if (tries > TRIES) throw new Error(`payment ${payment.id} changes too often`);
      if (part.status !== 'created') {
        const parts = answer(part, whole);
        if (parts.length > 0) await this.changes.commit(parts);
        return { refund: part, payment: whole, isOwn: false };
      }
      const now = this.clock();
      const paid = end.kind === 'posted';
      if (!paid && part.version !== refund.version && !isCertain(part, now)) return undefined;
      const failure = paid ? null : end.code;
      const ended = changedRefund(part, { status: paid ? 'settled' : 'failed', failure, dueAt: null }, now);
      const after = endRefund(whole, part.amount, paid, now);
      const committed = await this.changes.commit([
        this.refunds.update(part, ended),
        this.payments.update(whole, after),
        this.changes.event(this.#event(ended, whole, after, who)),
        this.deliveries.insert(noticeOf(ended, after, now)),
        ...answer(ended, after),
      ]);
      if (committed === 'done') return { refund: ended, payment: after, isOwn: true };
      part = await this.refunds.get(refund.id);
      whole = await this.payments.get(payment.id);
    }
  }

  /** Leaves the refund to a repeat of the request or to recovery. `sent`: a request may still arrive. */
  async leave(refund: Refund, sent: boolean, parts: readonly Part[], dueAgainAt?: Date): Promise<void> {
    const now = this.clock();
    const dueAt = dueAgainAt ?? checkAgainAt(now);
    const left = changedRefund(refund, { dueAt, ...(sent ? {} : { orderUntil: now }) }, now);
    const committed = await this.changes.commit([this.refunds.update(refund, left), ...parts]);
    if (committed === 'stale' && parts.length > 0) await this.changes.commit(parts);
  }

  #event(refund: Refund, before: Payment, after: Payment, who: Caller | Unattended) {
    const { id, paymentId, amount, currency, status, transferId, failure } = refund;
    return eventBy(
      who,
      `refund.${status}`,
      {
        id,
        failure: failure ?? undefined,
        changes: {
          payment_id: paymentId,
          payment_status: { from: before.status, to: after.status },
          amount: moneyToJson(amount, currency),
          transfer_id: transferId,
        },
      },
      refund,
    );
  }
}
