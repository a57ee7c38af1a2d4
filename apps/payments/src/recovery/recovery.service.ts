import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, unattended, type Unattended } from '@countersign/service-host';
import { ACCOUNTS_CLIENT, type AccountsClient } from '../accounts/accounts.client.js';
import { conclude, ownOrderUntil } from '../accounts/finality.js';
import { ChangesStore } from '../changes/changes.store.js';
import { orderPending } from '../payments/capture.service.js';
import { PaymentProgress } from '../payments/payment-progress.service.js';
import { isCertain, resume } from '../payments/payment-steps.js';
import { type Payment } from '../payments/payment.js';
import { PaymentsStore } from '../payments/payments.store.js';
import { STEP_LEASE, type StepLease } from '../idempotency/step-lease.js';
import { RefundProgress, orderRefund } from '../refunds/refund-progress.service.js';
import { changedRefund, type Refund } from '../refunds/refund.js';
import { RefundsStore } from '../refunds/refunds.store.js';

export const OWN_CLIENT_ID = Symbol('countersign.payments.own-client-id');

/** Maximum payments and refunds processed in one run. */
const SWEEP_LIMIT = 200;
/** Taken up at once. */
const CONCURRENCY = 8;

/** What a sweep found. */
export interface Sweep {
  readonly checked: number;
  readonly failed: number;
  /** Whether a full run was due and some were finished: then more may be due, and can be finished now. */
  readonly isFull: boolean;
}

/**
 * Finishes or compensates what a crash or an outage left, without a user's token: payments reads the transfers that it made, posts or
 * voids its own holds, and, with its own `transfers:correct`, completes refunds that a payee or a client had started. What a payment had started is finished; what never reached accounts fails.
 */
@Injectable()
export class RecoveryService {
  constructor(
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(PaymentProgress) private readonly progress: PaymentProgress,
    @Inject(RefundsStore) private readonly refunds: RefundsStore,
    @Inject(RefundProgress) private readonly refundProgress: RefundProgress,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(OWN_CLIENT_ID) private readonly clientId: string,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(STEP_LEASE) private readonly lease: StepLease,
  ) {}

  /** Checks what has been due longest. @param onFailure called for each that could not be checked; it is retried after what became due in the meantime. @param signal ends it early */
  async sweep(onFailure: (id: string, error: unknown) => void, signal?: AbortSignal): Promise<Sweep> {
    const now = this.clock();
    const payments = await this.payments.due(now, SWEEP_LIMIT);
    const refunds = await this.refunds.due(now, SWEEP_LIMIT);
    const work = [
      ...payments.map((payment) => ({
        id: payment.id,
        run: () => this.recoverPayment(payment),
        putOff: () => this.progress.leave(payment, true, []),
      })),
      ...refunds.map((refund) => ({
        id: refund.id,
        run: () => this.recoverRefund(refund),
        putOff: () => this.refundProgress.leave(refund, true, []),
      })),
    ];
    let [checked, failed, ended] = [0, 0, 0];
    const next = work.values();
    const lane = async (): Promise<void> => {
      for (const { id, run, putOff } of next) {
        if (signal?.aborted === true) return;
        checked += 1;
        try {
          if (await run()) ended += 1;
        } catch (error) {
          failed += 1;
          onFailure(id, error);
          // Otherwise a full run of failures would block the queue forever. One that has advanced is already postponed.
          await putOff().catch(() => undefined);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, lane));
    const isFull = ended > 0 && Math.max(payments.length, refunds.length) === SWEEP_LIMIT;
    return { checked, failed, isFull };
  }

  /** @returns false if it is left for later */
  async recoverPayment(payment: Payment): Promise<boolean> {
    const now = this.clock();
    const who = this.#itself();
    if (payment.pending !== null) {
      const resumed = resume(payment, { orderUntil: ownOrderUntil(now), dueAt: this.lease(now) }, now);
      if ((await this.changes.commit([this.payments.update(payment, resumed)])) !== 'done') return true;
      const certain = isCertain(payment, now);
      const outcome = conclude(await orderPending(this.accounts, resumed, who), certain);
      if (outcome.kind === 'unknown' || outcome.kind === 'held' || outcome.kind === 'absent') {
        await this.progress.leave(resumed, outcome.kind !== 'unknown' || outcome.sent || !certain, []);
        if (outcome.kind === 'absent') throw new Error('accounts does not know the hold of a held payment');
        return false;
      }
      await this.progress.settle(resumed, outcome, who);
      return true;
    }
    const certain = isCertain(payment, now);
    const outcome = conclude(await this.accounts.read(payment.transferId, who), certain);
    if (outcome.kind === 'unknown' || (outcome.kind === 'held' && payment.status === 'held')) {
      await this.progress.leave(payment, true, [], certain ? undefined : checkSoonOrAt(payment.orderUntil, now));
      return false;
    }
    if (outcome.kind === 'refused')
      throw new Error(`accounts refuses to show a transfer made by payments: ${outcome.code}`);
    if (outcome.kind === 'absent' && payment.status === 'held') {
      throw new Error('accounts does not know the hold of a held payment');
    }
    await this.progress.settle(payment, outcome, who);
    return true;
  }

  /** @returns false if it is left for later */
  async recoverRefund(refund: Refund): Promise<boolean> {
    const now = this.clock();
    const who = this.#itself();
    const payment = await this.payments.get(refund.paymentId);
    const certain = isCertain(refund, now);
    const found = conclude(await this.accounts.read(refund.transferId, who), certain);
    if (found.kind === 'posted') {
      await this.refundProgress.settle(payment, refund, found, who);
      return true;
    }
    if (found.kind !== 'absent') {
      await this.refundProgress.leave(refund, true, [], checkSoonOrAt(refund.orderUntil, now));
      return false;
    }
    const times = { orderUntil: ownOrderUntil(now), dueAt: this.lease(now) };
    const resumed = changedRefund(refund, times, now);
    if ((await this.changes.commit([this.refunds.update(refund, resumed)])) !== 'done') return true;
    const outcome = await orderRefund(this.accounts, payment, resumed, who, true);
    if (outcome.kind === 'posted' || outcome.kind === 'refused') {
      await this.refundProgress.settle(payment, resumed, outcome, who);
      return true;
    }
    await this.refundProgress.leave(resumed, outcome.kind !== 'unknown' || outcome.sent, []);
    return false;
  }

  #itself(): Unattended {
    return unattended({ clientId: this.clientId });
  }
}

/** Once a minute, because the transfer may appear any time; at the latest when no request can still arrive. */
function checkSoonOrAt(moment: Date, now: Date): Date {
  return new Date(Math.min(Math.max(moment.getTime(), now.getTime() + 1_000), now.getTime() + 60_000));
}
