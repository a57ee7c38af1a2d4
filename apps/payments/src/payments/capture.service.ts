import { Inject, Injectable } from '@nestjs/common';
import { ownerOf } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, idempotencyInFlight, Problem, type Caller } from '@countersign/service-host';
import { moneyToJson } from '@countersign/money';
import { ACCOUNTS_CLIENT, type AccountsClient, type Authority } from '../accounts/accounts.client.js';
import { conclude } from '../accounts/finality.js';
import { type TransferOutcome, type TransferState } from '../accounts/transfer-state.js';
import { ChangesStore, TRIES } from '../changes/changes.store.js';
import { answerAgain, pendingProblem, problemAnswer, type Answer } from '../idempotency/answer.js';
import { fingerprintOf, type Claim, type IdempotencyKey, type StoredAnswer } from '../idempotency/idempotency-key.js';
import { IdempotencyStore, type KeyClaim } from '../idempotency/idempotency.store.js';
import { eventBy } from '../event-by.js';
import { PaymentProgress } from './payment-progress.service.js';
import { beginCancel, beginCapture, isCertain, resume, type Step, type StepRefusal } from './payment-steps.js';
import { paymentToJson, type CapturePayment, type Payment, type PaymentId } from './payment.js';
import { PaymentsService } from './payments.service.js';
import { PaymentsStore } from './payments.store.js';
import { stepTimesOf } from './step-times.js';
import { STEP_LEASE, type StepLease } from '../idempotency/step-lease.js';
import { RecentLogin } from './recent-login.service.js';
import { refusalProblem } from './step-refusals.js';

/** What to do with a held payment. */
export type HoldStep = { readonly kind: 'capture'; readonly command: CapturePayment } | { readonly kind: 'cancel' };

/** Captures a hold, or releases it: store the intent, call accounts, store the outcome. */
@Injectable()
export class CaptureService {
  constructor(
    @Inject(PaymentsService) private readonly service: PaymentsService,
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(PaymentProgress) private readonly progress: PaymentProgress,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(RecentLogin) private readonly recentLogin: RecentLogin,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(STEP_LEASE) private readonly lease: StepLease,
  ) {}

  async take(id: PaymentId, step: HoldStep, key: IdempotencyKey, caller: Caller, tries = 0): Promise<Answer> {
    const payment = await this.#ownByClient(id, step, caller);
    await this.#askSignIn(payment, step, caller);
    const claim = { owner: ownerOf(caller.principal), key, fingerprint: fingerprintOf(membersOf(id, step)) };
    const now = this.clock();
    const begun = this.#begin(payment, step, caller, now);
    if (!begun.ok) {
      const known = await this.keys.find(claim, now);
      if (known.kind !== 'begin') return this.#again(known, payment, step, claim, caller);
      return this.#refuse(begun.refusal, payment, step, caller);
    }
    const committed = await this.changes.commit([
      this.payments.update(payment, begun.payment),
      this.keys.take(claim, payment.id, now),
      this.changes.event(eventBy(caller, `payment.${step.kind}_begun`, this.#details(payment, step))),
    ]);
    if (committed === 'done') return this.#order(begun.payment, true, step, claim, caller);
    if (committed === 'stale' && tries < TRIES) return this.take(id, step, key, caller, tries + 1);
    return this.#again(await this.keys.find(claim, now), payment, step, claim, caller);
  }

  /**
   * One of the caller's payments, made through its client: a hold is a promise to somebody, and another of the payer's applications
   * must not release it. @throws {Problem} 404 `PAYMENT_UNKNOWN`, 403 `PAYMENT_OF_ANOTHER_CLIENT`; recorded
   */
  async #ownByClient(id: PaymentId, step: HoldStep, caller: Caller): Promise<Payment> {
    const action = `payments:${step.kind}` as const;
    const payment = await this.service.own(id, 'payments:create', action, caller);
    if (payment.clientId === caller.principal.clientId) return payment;
    const failure = 'PAYMENT_OF_ANOTHER_CLIENT';
    await this.outbox.recordDurably(eventBy(caller, `payment.${step.kind}_refused`, { id, action, failure }));
    throw new Problem(403, failure, 'Only the client that made this payment can capture or cancel it.');
  }

  /** @throws {Problem} 401 `LOGIN_NOT_RECENT`; recorded */
  async #askSignIn(payment: Payment, step: HoldStep, caller: Caller): Promise<void> {
    if (step.kind === 'cancel') return;
    const refusal = this.recentLogin.refusal(caller.principal, step.command.amount ?? payment);
    if (refusal === undefined) return;
    const details = { ...this.#details(payment, step), failure: refusal.code };
    await this.outbox.recordDurably(eventBy(caller, `payment.${step.kind}_refused`, details));
    throw refusal;
  }

  /** @throws {Problem} always, after recording it */
  async #refuse(refusal: StepRefusal, payment: Payment, step: HoldStep, caller: Caller): Promise<never> {
    const details = { ...this.#details(payment, step), failure: refusal };
    await this.outbox.recordDurably(eventBy(caller, `payment.${step.kind}_refused`, details));
    throw refusalProblem(refusal, payment);
  }

  /** The key is known: returns its response, or resumes what its first request left. */
  async #again(known: Claim, seen: Payment, step: HoldStep, claim: KeyClaim, caller: Caller): Promise<Answer> {
    if (known.kind === 'answered') return answerAgain(known);
    if (known.kind === 'begin') throw idempotencyInFlight();
    const payment = await this.payments.get(seen.id);
    if (payment.status !== 'held') {
      const answer = captureAnswer(step, payment);
      await this.changes.commit([this.keys.answer(claim, answer)]);
      return { ...answer, replayed: payment.id };
    }
    const now = this.clock();
    const taken: Step =
      payment.pending === step.kind
        ? { ok: true, payment: resume(payment, stepTimesOf(caller, now, this.lease), now) }
        : this.#begin(payment, step, caller, now);
    if (!taken.ok) return this.#refuse(taken.refusal, payment, step, caller);
    if ((await this.changes.commit([this.payments.update(payment, taken.payment)])) !== 'done')
      throw idempotencyInFlight();
    return this.#order(taken.payment, payment.pending === null || isCertain(payment, now), step, claim, caller);
  }

  async #order(payment: Payment, certain: boolean, step: HoldStep, claim: KeyClaim, caller: Caller): Promise<Answer> {
    const forClient = payment.subject !== caller.principal.subject;
    const authority = { subjectToken: caller.token, forClient, traceparent: caller.trace.traceparent };
    const outcome = conclude(await orderPending(this.accounts, payment, authority), certain);
    if (outcome.kind === 'unknown' || outcome.kind === 'absent' || outcome.kind === 'held') {
      const sent = outcome.kind !== 'unknown' || outcome.sent || !certain;
      await this.progress.leave(payment, sent, [this.keys.release(claim, this.clock())]);
      throw pendingProblem(payment.id, outcome.kind === 'unknown' ? outcome.reason : `the hold is ${outcome.kind}`);
    }
    const after = await this.progress.settle(payment, outcome, caller, (known) => [
      this.keys.answer(claim, captureAnswer(step, known, outcome)),
    ]);
    if (after === undefined) throw pendingProblem(payment.id, 'another request for this payment is in progress');
    return { ...captureAnswer(step, after.payment, outcome), replayed: after.isOwn ? null : payment.id };
  }

  #begin(payment: Payment, step: HoldStep, caller: Caller, now: Date): Step {
    const times = stepTimesOf(caller, now, this.lease);
    if (step.kind === 'cancel') return beginCancel(payment, times, now);
    return beginCapture(payment, step.command.amount, times, now);
  }

  #details({ id, amount, currency }: Payment, step: HoldStep) {
    const money = step.kind === 'capture' ? (step.command.amount ?? { amount, currency }) : undefined;
    const changes = money === undefined ? {} : { amount: moneyToJson(money.amount, money.currency) };
    return { id, action: `payments:${step.kind}` as const, changes };
  }
}

/** Sends accounts the pending step of a hold; if its state has changed in the meantime, that state counts. */
export async function orderPending(
  accounts: AccountsClient,
  { transferId, pending, pendingAmount, amount, currency }: Payment,
  authority: Authority,
): Promise<TransferOutcome> {
  const outcome =
    pending === 'capture'
      ? await accounts.post(transferId, moneyToJson(pendingAmount ?? amount, currency), authority)
      : await accounts.void(transferId, authority);
  if (outcome.kind !== 'refused' || outcome.code !== 'TRANSFER_NOT_HELD') return outcome;
  return accounts.read(transferId, { traceparent: authority.traceparent });
}

function membersOf(id: PaymentId, step: HoldStep): readonly string[] {
  const amount = step.kind === 'capture' ? step.command.amount : undefined;
  return [step.kind, id, amount?.amount.toString() ?? '', amount?.currency ?? ''];
}

const otherwise: Partial<Record<Payment['status'], string>> = {
  expired: 'HOLD_EXPIRED',
  cancelled: 'PAYMENT_CANCELLED',
};

function captureAnswer(step: HoldStep, payment: Payment, transfer?: TransferState): StoredAnswer {
  const body = paymentToJson(payment);
  const cancelled = payment.status === 'cancelled';
  const captured = payment.captured > 0n;
  if (step.kind === 'capture' ? captured : cancelled) return { status: 200, body: { ...body } };
  if (payment.status === 'held' && transfer?.kind === 'refused') {
    return problemAnswer(422, transfer.code, transfer.detail, { payment: body });
  }
  const code = otherwise[payment.status] ?? 'PAYMENT_SETTLED';
  return problemAnswer(422, code, `The payment is ${payment.status}.`, { payment: body });
}
