import { Controller, Get, Headers, Inject, Post, Res } from '@nestjs/common';
import { RequireAnyScope } from '@countersign/auth';
import { clientWide } from '@countersign/auth-core';
import { CurrentCaller, OpenApi, ZodBody, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { IdempotentAnswers } from '../idempotency/idempotent-answers.service.js';
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
  constructor(
    @Inject(RefundsService) private readonly refunds: RefundsService,
    @Inject(IdempotentAnswers) private readonly answers: IdempotentAnswers,
  ) {}

  /**
   * Refunds a settled payment, in full (no `amount`) or in part: by the payee, whose account was paid, or by the payment's client with the
   * scope `payments:refund:client`. 201 with the refund and its payment; 403 `REFUND_NOT_PAYEE`; 409 `PAYMENT_NOT_SETTLED`;
   * 422 `REFUND_ABOVE_PAYMENT`, `REFUND_LIMIT`, `CURRENCY_MISMATCH`, the ledger's own refusal (`INSUFFICIENT_FUNDS`,
   * `ACCOUNT_CLOSED`: the payer's account is closed, pay another of the payer's; …) or
   * `IDEMPOTENCY_KEY_REUSED`; 409 `IDEMPOTENCY_IN_FLIGHT`; 404 `PAYMENT_UNKNOWN`; 503 `PAYMENT_PENDING`,
   * `ACCOUNTS_UNAVAILABLE`: send it again; 401 `LOGIN_NOT_RECENT` for a person who must sign in again for this amount (`RECENT_LOGIN_ABOVE`).
   */
  @Post(':id/refund')
  @RequireAnyScope('payments:refund', clientWide('payments:refund'))
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async refund(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @ZodBody(createRefundSchema) command: CreateRefund,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.answers.send({ header, caller, reply, action: 'payments:refund', kind: 'refund' }, (key) =>
      this.refunds.refund(id, command, key, caller),
    );
  }

  /** The payment's refunds, including failed ones, oldest first, `limit` per page (1 to 200). 404 `PAYMENT_UNKNOWN`. */
  @Get(':id/refunds')
  @RequireAnyScope('payments:read', clientWide('payments:read'))
  list(
    @ZodParam('id', paymentIdSchema) id: PaymentId,
    @ZodQuery(listRefundsSchema) query: ListRefunds,
    @CurrentCaller() caller: Caller,
  ): Promise<RefundPageJson> {
    return this.refunds.list(id, query, caller);
  }
}
