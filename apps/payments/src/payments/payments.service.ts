import { Inject, Injectable } from '@nestjs/common';
import { ownerOf, reachOf } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY, uuidv7 } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, idempotencyInFlight, Problem, type Caller } from '@countersign/service-host';
import { ACCOUNTS_CLIENT, type AccountsClient } from '../accounts/accounts.client.js';
import { conclude } from '../accounts/finality.js';
import { ChangesStore } from '../changes/changes.store.js';
import { answerAgain, pendingProblem, problemAnswer, type Answer } from '../idempotency/answer.js';
import { fingerprintOf, type IdempotencyKey, type StoredAnswer } from '../idempotency/idempotency-key.js';
import { IdempotencyStore, type KeyClaim } from '../idempotency/idempotency.store.js';
import { eventBy, startedBy, type Action } from '../event-by.js';
import { pageToJson, type ListPayments, type PaymentPageJson } from './payment-list.js';
import { PaymentProgress } from './payment-progress.service.js';
import { isCertain, resume, type StepTimes } from './payment-steps.js';
import {
  holdLimits,
  membersOf,
  paymentIdSchema,
  paymentToJson,
  type CreatePayment,
  type Payment,
  type PaymentId,
  type PaymentJson,
} from './payment.js';
import { PaymentsStore } from './payments.store.js';
import { stepTimesOf } from './step-times.js';
import { STEP_LEASE, type StepLease } from '../idempotency/step-lease.js';

/** The steps of a payment: store it, request the transfer, store the outcome. An interrupted step is resumed, never doubled. */
@Injectable()
export class PaymentsService {
  constructor(
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(PaymentProgress) private readonly progress: PaymentProgress,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(STEP_LEASE) private readonly lease: StepLease,
  ) {}

  /** Commits the payment before anything leaves this service; then requests its transfer. */
  async pay(command: CreatePayment, key: IdempotencyKey, caller: Caller): Promise<Answer> {
    const now = this.clock();
    const claim = { owner: ownerOf(caller.principal), key, fingerprint: fingerprintOf(membersOf(command)) };
    const payment = newPayment(command, caller, stepTimesOf(caller, now, this.lease), now);
    const { amount, from, to, capture } = paymentToJson(payment);
    const begun = await this.changes.commit([
      this.payments.insert(payment),
      this.keys.take(claim, payment.id, now),
      this.changes.event(
        eventBy(caller, 'payment.created', { id: payment.id, changes: { amount, from, to, capture } }),
      ),
    ]);
    if (begun === 'done') return this.#order(payment, true, claim, caller);
    return this.#again(command, claim, caller);
  }

  async read(id: PaymentId, caller: Caller): Promise<PaymentJson> {
    const payment = await this.own(id, 'payments:read', 'payments:read', caller);
    await this.outbox.recordDurably(eventBy(caller, 'payment.read', { id }));
    return paymentToJson(payment);
  }

  async list(query: ListPayments, caller: Caller): Promise<PaymentPageJson> {
    const found = await this.payments.list(reachOf(caller.principal, 'payments:read'), query);
    const page = pageToJson(found, query.limit);
    const changes = { shown: page.payments.map(({ id }) => id) };
    await this.outbox.recordDurably(eventBy(caller, 'payments.listed', { id: EVERY, changes }));
    return page;
  }

  /**
   * A payment within the caller's reach.
   * @param scope the route's scope, which determines the caller's reach
   * @throws {Problem} 404 `PAYMENT_UNKNOWN`, the same for another's and for none; recorded
   */
  async own(id: PaymentId, scope: string, action: Action, caller: Caller): Promise<Payment> {
    const payment = await this.payments.find(id, reachOf(caller.principal, scope));
    return payment ?? this.refuseUnknown(id, action, caller);
  }

  /** @throws {Problem} 404 `PAYMENT_UNKNOWN`, always; recorded */
  async refuseUnknown(id: PaymentId, action: Action, caller: Caller): Promise<never> {
    const failure = 'PAYMENT_UNKNOWN';
    await this.outbox.recordDurably(eventBy(caller, 'payment.missed', { id, action, failure }));
    throw new Problem(404, failure, 'You have no such payment.');
  }

  /** The key is known: returns its response, or resumes what its first request left. */
  async #again(command: CreatePayment, claim: KeyClaim, caller: Caller): Promise<Answer> {
    const now = this.clock();
    const known = await this.keys.find(claim, now);
    if (known.kind === 'begin') return this.pay(command, claim.key, caller);
    if (known.kind === 'answered') return answerAgain(known);
    const payment = await this.payments.get(known.resourceId);
    if (payment.status !== 'created') {
      const answer = paymentAnswer(payment);
      await this.changes.commit([this.keys.answer(claim, answer)]);
      return { ...answer, replayed: payment.id };
    }
    const resumed = resume(payment, stepTimesOf(caller, now, this.lease), now);
    if ((await this.changes.commit([this.payments.update(payment, resumed)])) !== 'done') throw idempotencyInFlight();
    return this.#order(resumed, isCertain(payment, now), claim, caller);
  }

  /** @param certain no earlier request of this payment can still arrive */
  async #order(payment: Payment, certain: boolean, claim: KeyClaim, caller: Caller): Promise<Answer> {
    const { transferId: id, fromAccount, toAccount, amount, currency, reference, holdSeconds } = payment;
    const hold = holdSeconds === null ? {} : { holdSeconds };
    const outcome = conclude(
      await this.accounts.order(
        { id, debitAccount: fromAccount, creditAccount: toAccount, amount, currency, reference, ...hold },
        { subjectToken: caller.token, traceparent: caller.trace.traceparent },
      ),
      certain,
    );
    if (outcome.kind === 'unknown') {
      const sent = outcome.sent || !certain;
      await this.progress.leave(payment, sent, [this.keys.release(claim, this.clock())]);
      throw pendingProblem(payment.id, outcome.reason);
    }
    const detail = outcome.kind === 'refused' ? outcome.detail : undefined;
    const after = await this.progress.settle(payment, outcome, caller, (known) => [
      this.keys.answer(claim, paymentAnswer(known, detail)),
    ]);
    if (after === undefined) throw pendingProblem(payment.id, 'another request with this key is in progress');
    return { ...paymentAnswer(after.payment, detail), replayed: after.isOwn ? null : payment.id };
  }
}

function newPayment(command: CreatePayment, caller: Caller, times: StepTimes, now: Date): Payment {
  const { amount, from, to, reference, capture, hold_seconds } = command;
  const id = paymentIdSchema.parse(uuidv7(now.getTime()));
  return {
    id,
    status: 'created',
    capture,
    // One id for both, so that a lost payment can be recreated from its transfer.
    transferId: id,
    fromAccount: from,
    toAccount: to,
    amount: amount.amount,
    captured: 0n,
    refunded: 0n,
    refunding: 0n,
    currency: amount.currency,
    reference,
    failure: null,
    pending: null,
    pendingAmount: null,
    holdSeconds: capture === 'manual' ? (hold_seconds ?? holdLimits.default) : null,
    expiresAt: null,
    ...times,
    version: 1,
    ...startedBy(caller),
    createdAt: now,
    updatedAt: now,
  };
}

function paymentAnswer(payment: Payment, detail = 'The payment failed, and no money was moved.'): StoredAnswer {
  const body = paymentToJson(payment);
  if (payment.status !== 'failed') return { status: 201, body: { ...body } };
  return problemAnswer(422, payment.failure ?? 'PAYMENT_FAILED', detail, { payment: body });
}
