import { Inject, Injectable } from '@nestjs/common';
import { ownerOf } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { moneyToJson } from '@countersign/money';
import { AUDIT_OUTBOX, CLOCK, idempotencyInFlight, type Caller } from '@countersign/service-host';
import { ACCOUNTS_CLIENT, type AccountsClient } from '../accounts/accounts.client.js';
import { conclude } from '../accounts/finality.js';
import { ChangesStore, TRIES } from '../changes/changes.store.js';
import { answerAgain, pendingProblem, type Answer } from '../idempotency/answer.js';
import { fingerprintOf, type Claim, type IdempotencyKey } from '../idempotency/idempotency-key.js';
import { IdempotencyStore, type KeyClaim } from '../idempotency/idempotency.store.js';
import { eventBy, startedBy } from '../event-by.js';
import { beginRefund, isCertain, refundable, type Step, type StepTimes } from '../payments/payment-steps.js';
import { type Payment, type PaymentId } from '../payments/payment.js';
import { PaymentsService } from '../payments/payments.service.js';
import { PaymentsStore } from '../payments/payments.store.js';
import { stepTimesOf } from '../payments/step-times.js';
import { STEP_LEASE, type StepLease } from '../idempotency/step-lease.js';
import { RecentLogin } from '../payments/recent-login.service.js';
import { refusalProblem } from '../payments/step-refusals.js';
import { refundAnswer } from './refund-answer.js';
import { RefundRights, type RefundRight } from './refund-rights.service.js';
import { RefundProgress, orderRefund } from './refund-progress.service.js';
import {
  changedRefund,
  refundIdSchema,
  refundPageToJson,
  type CreateRefund,
  type Refund,
  type ListRefunds,
  type RefundPageJson,
} from './refund.js';
import { RefundsStore } from './refunds.store.js';

/** Maximum refunds of one payment, made or in progress. */
export const REFUND_LIMIT = 100;

/** The steps of a refund: reserve it, request the transfer that corrects the payment's, store the outcome. */
@Injectable()
export class RefundsService {
  constructor(
    @Inject(PaymentsService) private readonly service: PaymentsService,
    @Inject(RefundRights) private readonly rights: RefundRights,
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(RefundsStore) private readonly refunds: RefundsStore,
    @Inject(RefundProgress) private readonly progress: RefundProgress,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(RecentLogin) private readonly recentLogin: RecentLogin,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(STEP_LEASE) private readonly lease: StepLease,
  ) {}

  async refund(id: PaymentId, command: CreateRefund, key: IdempotencyKey, caller: Caller, tries = 0): Promise<Answer> {
    const { payment, right } = await this.rights.of(id, caller);
    const claim = { owner: ownerOf(caller.principal), key, fingerprint: fingerprintOf(membersOf(id, command)) };
    const now = this.clock();
    const money = command.amount ?? { amount: refundable(payment), currency: payment.currency };
    const changes = { payment_id: id, amount: moneyToJson(money.amount, money.currency) };
    const signIn = this.recentLogin.refusal(caller.principal, money);
    if (signIn !== undefined) {
      await this.outbox.recordDurably(eventBy(caller, 'refund.refused', { id, failure: signIn.code, changes }));
      throw signIn;
    }
    const step = await this.#begin(payment, money, now);
    if (!step.ok) {
      const known = await this.keys.find(claim, now);
      if (known.kind !== 'begin') return this.#again(known, claim, right, caller);
      await this.outbox.recordDurably(eventBy(caller, 'refund.refused', { id, failure: step.refusal, changes }));
      throw refusalProblem(step.refusal, payment);
    }
    const refund = newRefund(
      payment,
      { amount: money.amount, reason: command.reason },
      caller,
      stepTimesOf(caller, now, this.lease),
      now,
    );
    const committed = await this.changes.commit([
      this.payments.update(payment, step.payment),
      this.refunds.insert(refund),
      this.keys.take(claim, refund.id, now),
      this.changes.event(eventBy(caller, 'refund.created', { id: refund.id, changes })),
    ]);
    if (committed === 'done') return this.#order(step.payment, refund, true, claim, right, caller);
    if (committed === 'stale' && tries < TRIES) return this.refund(id, command, key, caller, tries + 1);
    return this.#again(await this.keys.find(claim, now), claim, right, caller);
  }

  /** The payment's refunds, oldest first, including failed ones. */
  async list(id: PaymentId, query: ListRefunds, caller: Caller): Promise<RefundPageJson> {
    const payment = await this.service.own(id, 'payments:read', 'payments:read', caller);
    const found = await this.refunds.list(payment, query);
    await this.outbox.recordDurably(eventBy(caller, 'refunds.listed', { id }));
    return refundPageToJson(found, query.limit);
  }

  async #begin(payment: Payment, money: Parameters<typeof beginRefund>[1], now: Date): Promise<Step> {
    const step = beginRefund(payment, money, now);
    if (!step.ok) return step;
    // A concurrent refund changes the payment's version, so that this one is not committed.
    const before = await this.refunds.countOf(payment);
    return before < REFUND_LIMIT ? step : { ok: false, refusal: 'REFUND_LIMIT' };
  }

  /** The key is known: returns its response, or resumes what its first request left. */
  async #again(known: Claim, claim: KeyClaim, right: RefundRight, caller: Caller): Promise<Answer> {
    if (known.kind === 'answered') return answerAgain(known);
    if (known.kind === 'begin') throw idempotencyInFlight();
    const refund = await this.refunds.get(known.resourceId);
    const payment = await this.payments.get(refund.paymentId);
    if (refund.status !== 'created') {
      const answer = refundAnswer(refund, payment);
      await this.changes.commit([this.keys.answer(claim, answer)]);
      return { ...answer, replayed: refund.id };
    }
    const now = this.clock();
    const { orderUntil: until, dueAt } = stepTimesOf(caller, now, this.lease);
    const latest = refund.orderUntil > until ? refund.orderUntil : until;
    const resumed = changedRefund(refund, { orderUntil: latest, dueAt }, now);
    if ((await this.changes.commit([this.refunds.update(refund, resumed)])) !== 'done') throw idempotencyInFlight();
    return this.#order(payment, resumed, isCertain(refund, now), claim, right, caller);
  }

  async #order(
    payment: Payment,
    refund: Refund,
    certain: boolean,
    claim: KeyClaim,
    right: RefundRight,
    caller: Caller,
  ): Promise<Answer> {
    const authority = { subjectToken: caller.token, traceparent: caller.trace.traceparent };
    const outcome = conclude(await orderRefund(this.accounts, payment, refund, authority, right === 'client'), certain);
    if (outcome.kind !== 'posted' && outcome.kind !== 'refused') {
      const sent = outcome.kind !== 'unknown' || outcome.sent || !certain;
      await this.progress.leave(refund, sent, [this.keys.release(claim, this.clock())]);
      throw pendingProblem(payment.id, outcome.kind === 'unknown' ? outcome.reason : `the transfer is ${outcome.kind}`);
    }
    const detail = outcome.kind === 'refused' ? outcome.detail : undefined;
    const ended = await this.progress.settle(payment, refund, outcome, caller, (one, whole) => [
      this.keys.answer(claim, refundAnswer(one, whole, detail)),
    ]);
    if (ended === undefined) throw pendingProblem(payment.id, 'another request with this key is in progress');
    return { ...refundAnswer(ended.refund, ended.payment, detail), replayed: ended.isOwn ? null : refund.id };
  }
}

function newRefund(
  payment: Payment,
  wanted: Pick<Refund, 'amount' | 'reason'>,
  caller: Caller,
  times: StepTimes,
  now: Date,
): Refund {
  const id = refundIdSchema.parse(uuidv7(now.getTime()));
  return {
    id,
    paymentId: payment.id,
    status: 'created',
    // One id for both, as for a payment.
    transferId: id,
    ...wanted,
    currency: payment.currency,
    failure: null,
    ...times,
    version: 1,
    ...startedBy(caller),
    createdAt: now,
    updatedAt: now,
  };
}

function membersOf(id: PaymentId, { amount, reason }: CreateRefund): readonly string[] {
  return ['refund', id, amount?.amount.toString() ?? '', amount?.currency ?? '', reason];
}
