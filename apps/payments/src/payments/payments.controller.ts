import { Controller, Get, Headers, Inject, Post, Res } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import { BearerToken, CurrentPrincipal, RequireScopes } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { Trace, ZodBody, ZodParam, ZodQuery, type RequestTrace } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { parseIdempotencyKey } from '../idempotency/idempotency-key.js';
import {
  createPaymentSchema,
  listPaymentsSchema,
  paymentIdSchema,
  type CreatePayment,
  type ListPayments,
  type PaymentId,
  type PaymentJson,
  type PaymentPageJson,
} from './payment.js';
import { PaymentsService } from './payments.service.js';

@ApiTags('payments')
@Controller('payments')
export class PaymentsController {
  constructor(@Inject(PaymentsService) private readonly payments: PaymentsService) {}

  /**
   * Makes a payment. 201 with the settled payment; 422 with its refusal (`INSUFFICIENT_FUNDS`, `CURRENCY_MISMATCH`, `ACCOUNT_UNKNOWN`, …)
   * or `IDEMPOTENCY_KEY_REUSED`; 409 `IDEMPOTENCY_IN_FLIGHT`; 503 `PAYMENT_PENDING` when accounts did not answer: send it again.
   * The same `Idempotency-Key` with the same body gives the stored answer, marked `Idempotency-Replayed: true`.
   */
  @Post()
  @RequireScopes('payments:create')
  @ApiHeader({ name: 'Idempotency-Key', required: true })
  async pay(
    @ZodBody(createPaymentSchema) command: CreatePayment,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @BearerToken() token: string,
    @Trace() trace: RequestTrace,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { status, body, replayed } = await this.payments.pay(command, parseIdempotencyKey(header), {
      principal,
      token,
      trace,
    });
    if (replayed) void reply.header('idempotency-replayed', 'true');
    await reply
      .status(status)
      .type(status < 400 ? 'application/json' : 'application/problem+json')
      .send(body);
  }

  /** One of the caller's own payments. 404 `PAYMENT_UNKNOWN`. */
  @Get(':id')
  @RequireScopes('payments:read')
  read(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @CurrentPrincipal() principal: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<PaymentJson> {
    return this.payments.read(id, { principal, trace });
  }

  /** The caller's own payments, newest first, `limit` a page (1 to 200). */
  @Get()
  @RequireScopes('payments:read')
  list(
    @ZodQuery(listPaymentsSchema) query: ListPayments,
    @CurrentPrincipal() principal: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<PaymentPageJson> {
    return this.payments.list(query, { principal, trace });
  }
}
