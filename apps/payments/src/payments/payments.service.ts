import { Inject, Injectable } from '@nestjs/common';
import { principalOf, uuidv7, type AuditOutbox, type NewAuditEvent } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  Problem,
  auditRequest,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { ACCOUNTS_CLIENT, type AccountsClient, type TransferOutcome } from '../accounts/accounts.client.js';
import { fingerprintOf, type IdempotencyKey, type StoredAnswer } from '../idempotency/idempotency-key.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import {
  endPayment,
  membersOf,
  paymentIdSchema,
  paymentToJson,
  type CreatePayment,
  type Ending,
  type ListPayments,
  type Payment,
  type PaymentId,
  type PaymentJson,
  type PaymentPageJson,
} from './payment.js';
import { PaymentsStore } from './payments.store.js';

/** Who is paying, proven, and by which request. */
export interface Caller {
  readonly principal: Principal;
  readonly token: string;
  readonly trace: RequestTrace;
}

export interface Answer extends StoredAnswer {
  readonly replayed: boolean;
}

/** The steps of a payment: keep it, order the transfer, keep its end. A step that was cut off is taken again, never doubled. */
@Injectable()
export class PaymentsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async pay(command: CreatePayment, key: IdempotencyKey, caller: Caller): Promise<Answer> {
    const begun = await this.#begin(command, key, caller);
    if ('status' in begun) return { ...begun, replayed: true };
    const outcome = await this.accounts.postTransfer(
      {
        id: begun.payment.transferId,
        debitAccount: begun.payment.fromAccount,
        creditAccount: begun.payment.toAccount,
        amount: begun.payment.amount,
        currency: begun.payment.currency,
        reference: begun.payment.reference,
      },
      caller.token,
      caller.trace.traceparent,
    );
    return { ...(await this.#end(begun.payment.id, outcome, key, caller)), replayed: false };
  }

  async read(id: PaymentId, { principal, trace }: Omit<Caller, 'token'>): Promise<PaymentJson> {
    const payment = await this.payments.find(id, principal.clientId);
    const event = this.#event('payment.read', 'payments:read', id, { principal, trace });
    if (payment === undefined) {
      await this.outbox.recordDurably({
        ...event,
        data: { ...event.data, outcome: 'failed', reason: 'PAYMENT_UNKNOWN' },
      });
      throw new Problem(404, 'PAYMENT_UNKNOWN', 'There is no such payment among yours.');
    }
    await this.outbox.recordDurably(event);
    return paymentToJson(payment);
  }

  async list(query: ListPayments, { principal, trace }: Omit<Caller, 'token'>): Promise<PaymentPageJson> {
    const found = await this.payments.list(principal.clientId, query);
    const page = found.slice(0, query.limit);
    const event = this.#event('payments.listed', 'payments:read', 'payments', { principal, trace });
    const ids = page.map(({ id }) => id);
    await this.outbox.recordDurably({
      ...event,
      data: { ...event.data, resource: 'payments', changes: { shown: ids } },
    });
    return {
      payments: page.map(paymentToJson),
      next_cursor: found.length > query.limit ? (page.at(-1)?.id ?? null) : null,
    };
  }

  /** Commits the payment before anything leaves this service, or finds what an earlier request with the key left. */
  #begin(
    command: CreatePayment,
    key: IdempotencyKey,
    { principal, trace }: Caller,
  ): Promise<{ readonly payment: Payment } | StoredAnswer> {
    const now = this.clock();
    const id = paymentIdSchema.parse(uuidv7());
    return this.database.transaction(async (transaction) => {
      const claim = await this.keys.claim(transaction, {
        clientId: principal.clientId,
        key,
        fingerprint: fingerprintOf(membersOf(command)),
        paymentId: id,
        now,
      });
      if (claim.kind === 'answered') return claim.answer;
      if (claim.kind === 'resume') return { payment: await this.payments.lock(transaction, claim.paymentId) };
      const payment: Payment = {
        id,
        status: 'created',
        transferId: uuidv7(),
        fromAccount: command.from,
        toAccount: command.to,
        amount: command.amount.amount,
        currency: command.amount.currency,
        reference: command.reference,
        failure: null,
        subject: principal.subject,
        clientId: principal.clientId,
        actors: principal.actors.map((actor) => actor.subject),
        txn: principal.txn,
        createdAt: now,
        updatedAt: now,
      };
      await this.payments.insert(transaction, payment);
      const event = this.#event('payment.created', 'payments:create', id, { principal, trace });
      const { amount, from, to } = paymentToJson(payment);
      await this.outbox.record(transaction, { ...event, data: { ...event.data, changes: { amount, from, to } } });
      return { payment };
    });
  }

  /** Commits the payment's end with its answer and its event; an unknown outcome ends nothing and may be tried again. */
  async #end(id: PaymentId, outcome: TransferOutcome, key: IdempotencyKey, caller: Caller): Promise<StoredAnswer> {
    const at = { clientId: caller.principal.clientId, key };
    const now = this.clock();
    if (outcome.kind === 'unknown') {
      await this.database.transaction((transaction) => this.keys.release(transaction, at, now));
      throw new Problem(
        503,
        'PAYMENT_PENDING',
        'Accounts did not answer; send the same request with the same Idempotency-Key again.',
        {
          payment_id: id,
          reason: outcome.reason,
          retry_after: 1,
        },
      );
    }
    const ending: Ending =
      outcome.kind === 'posted' ? { status: 'settled' } : { status: 'failed', failure: outcome.code };
    return this.database.transaction(async (transaction) => {
      const before = await this.payments.lock(transaction, id);
      const payment = endPayment(before, ending, now);
      const answer = answerOf(payment, outcome.kind === 'refused' ? outcome.detail : '');
      await this.keys.answer(transaction, at, answer);
      if (payment === before) return answer;
      await this.payments.update(transaction, payment);
      const event = this.#event(`payment.${ending.status}`, 'payments:create', id, caller);
      await this.outbox.record(transaction, {
        ...event,
        data: {
          ...event.data,
          ...(ending.status === 'failed' ? { outcome: 'failed' as const, reason: ending.failure } : {}),
          changes: { status: { from: before.status, to: payment.status }, transfer_id: payment.transferId },
        },
      });
      return answer;
    });
  }

  #event(done: string, action: string, id: string, { principal, trace }: Omit<Caller, 'token'>): NewAuditEvent {
    return {
      type: `countersign.payments.${done}.v1`,
      subject: id,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(principal),
        txn: principal.txn,
        action,
        resource: `payment/${id}`,
        outcome: 'allowed',
        request: auditRequest(trace),
      },
    };
  }
}

function answerOf(payment: Payment, detail: string): StoredAnswer {
  const body = paymentToJson(payment);
  if (payment.status !== 'failed') return { status: 201, body: { ...body } };
  return {
    status: 422,
    body: {
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      code: payment.failure,
      detail,
      payment: body,
    },
  };
}
