import { Controller, Get, Headers, Inject, Post, Res } from '@nestjs/common';
import { BearerToken, CurrentPrincipal, RequireAnyScope } from '@countersign/auth';
import { clientWide, type Principal } from '@countersign/auth-core';
import { OpenApi, Trace, ZodBody, ZodParam, ZodQuery, type RequestTrace } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { answerIdempotent } from '../idempotency/answer.js';
import { paymentIdSchema, type PaymentId } from '../payments/payment.js';
import {
  createRefundSchema,
  listRefundsSchema,
  type CreateRefund,
  type ListRefunds,
  type RefundPageJson,
} from './refund.js';
import { RefundsService } from './refunds.service.js';

@OpenApi(({ ApiTags }) => ApiTags('refunds'))
@Controller('payments')
export class RefundsController {
  constructor(@Inject(RefundsService) private readonly refunds: RefundsService) {}

  /**
   * Pays a settled payment back, whole (no `amount`) or in part: by the payee, whose account was paid, or by the payment's client with the
   * scope `payments:refund:client`. 201 with the refund and its payment; 403 `REFUND_NOT_PAYEE`; 409 `PAYMENT_NOT_SETTLED`;
   * 422 `REFUND_ABOVE_PAYMENT`, `REFUND_LIMIT`, `CURRENCY_MISMATCH`, the ledger's own refusal (`INSUFFICIENT_FUNDS`,
   * `ACCOUNT_CLOSED`: the payer's account is closed, pay another of the payer's; …) or
   * `IDEMPOTENCY_KEY_REUSED`; 409 `IDEMPOTENCY_IN_FLIGHT`; 404 `PAYMENT_UNKNOWN`; 503 `PAYMENT_PENDING`,
   * `ACCOUNTS_UNAVAILABLE`: send it again.
   */
  @Post(':id/refund')
  @RequireAnyScope('payments:refund', clientWide('payments:refund'))
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async refund(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @ZodBody(createRefundSchema) command: CreateRefund,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentPrincipal() principal: Principal,
    @BearerToken() token: string,
    @Trace() trace: RequestTrace,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await answerIdempotent(header, reply, (key) => this.refunds.refund(id, command, key, { principal, token, trace }));
  }

  /** The payment's refunds, also those that failed, oldest first, `limit` a page (1 to 200). 404 `PAYMENT_UNKNOWN`. */
  @Get(':id/refunds')
  @RequireAnyScope('payments:read', clientWide('payments:read'))
  list(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @ZodQuery(listRefundsSchema) query: ListRefunds,
    @CurrentPrincipal() principal: Principal,
    @Trace() trace: RequestTrace,
  ): Promise<RefundPageJson> {
    return this.refunds.list(id, query, { principal, trace });
  }
}
