import { Controller, Get, Headers, Inject, Post, Res } from '@nestjs/common';
import { AllowApiKey, Authorize, RequireAnyScope, RequireScopes } from '@countersign/auth';
import { clientWide } from '@countersign/auth-core';
import { CurrentCaller, OpenApi, ZodBody, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { IdempotentAnswers } from '../idempotency/idempotent-answers.service.js';
import { CaptureService } from './capture.service.js';
import { listPaymentsSchema, type ListPayments, type PaymentPageJson } from './payment-list.js';
import {
  cancelPaymentSchema,
  capturePaymentSchema,
  createPaymentSchema,
  paymentIdSchema,
  type CapturePayment,
  type CreatePayment,
  type PaymentId,
  type PaymentJson,
} from './payment.js';
import { PaymentsService } from './payments.service.js';
import { recentLoginAboveAmount } from './recent-login.service.js';

@OpenApi(({ ApiTags }) => ApiTags('payments'))
@Controller('payments')
export class PaymentsController {
  constructor(
    @Inject(PaymentsService) private readonly payments: PaymentsService,
    @Inject(CaptureService) private readonly captures: CaptureService,
    @Inject(IdempotentAnswers) private readonly answers: IdempotentAnswers,
  ) {}

  /**
   * Creates a payment. 201 with the settled payment, or with the held one when `capture` is `manual`; 422 with its refusal
   * (`INSUFFICIENT_FUNDS`, `CURRENCY_MISMATCH`, `ACCOUNT_UNKNOWN`, …) or `IDEMPOTENCY_KEY_REUSED`; 409 `IDEMPOTENCY_IN_FLIGHT`;
   * 503 `PAYMENT_PENDING` when accounts did not answer: send it again; 401 `LOGIN_NOT_RECENT` for a person who must sign in again for this amount
   * (`RECENT_LOGIN_ABOVE`).
   * The same `Idempotency-Key` with the same body gets the stored response for 24 hours, marked `Idempotency-Replayed: true`.
   */
  @Post()
  @RequireScopes('payments:create')
  @Authorize(recentLoginAboveAmount)
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async pay(
    @ZodBody(createPaymentSchema) command: CreatePayment,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.answers.send({ header, caller, reply, action: 'payments:create', kind: 'payment' }, (key) =>
      this.payments.pay(command, key, caller),
    );
  }

  /**
   * Captures a held payment, in full (no `amount`) or in part; the rest is released. 200 with the settled payment; 409
   * `PAYMENT_NOT_HELD`, `PAYMENT_BUSY`; 422 `AMOUNT_ABOVE_HOLD`, `CURRENCY_MISMATCH`, `HOLD_EXPIRED`; 404 `PAYMENT_UNKNOWN`;
   * 403 `PAYMENT_OF_ANOTHER_CLIENT`; 503 `PAYMENT_PENDING`: send it again; 401 `LOGIN_NOT_RECENT` as for a new payment.
   */
  @Post(':id/capture')
  @RequireAnyScope('payments:create', clientWide('payments:create'))
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async capture(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @ZodBody(capturePaymentSchema) command: CapturePayment,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const step = { kind: 'capture', command } as const;
    await this.answers.send({ header, caller, reply, action: 'payments:capture', kind: 'payment' }, (key) =>
      this.captures.take(id, step, key, caller),
    );
  }

  /**
   * Releases a held payment's money. 200 with the cancelled payment; 409 `PAYMENT_NOT_HELD`, `PAYMENT_BUSY`; 422 `HOLD_EXPIRED`;
   * 404 `PAYMENT_UNKNOWN`; 403 `PAYMENT_OF_ANOTHER_CLIENT`; 503 `PAYMENT_PENDING`: send it again.
   */
  @Post(':id/cancel')
  @RequireAnyScope('payments:create', clientWide('payments:create'))
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async cancel(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @ZodBody(cancelPaymentSchema) _command: object,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.answers.send({ header, caller, reply, action: 'payments:cancel', kind: 'payment' }, (key) =>
      this.captures.take(id, { kind: 'cancel' }, key, caller),
    );
  }

  /** A payment within the caller's reach. 404 `PAYMENT_UNKNOWN`. */
  @Get(':id')
  @AllowApiKey('read')
  @RequireAnyScope('payments:read', clientWide('payments:read'))
  read(@ZodParam('id', paymentIdSchema) id: PaymentId, @CurrentCaller() caller: Caller): Promise<PaymentJson> {
    return this.payments.read(id, caller);
  }

  /**
   * The payments within the caller's reach, newest first, `limit` a page (1 to 200); by `status`, `account` (either side), `reference`, and time
   * of creation (`from` included, `to` not).
   */
  @Get()
  @AllowApiKey('read')
  @RequireAnyScope('payments:read', clientWide('payments:read'))
  list(@ZodQuery(listPaymentsSchema) query: ListPayments, @CurrentCaller() caller: Caller): Promise<PaymentPageJson> {
    return this.payments.list(query, caller);
  }
}
