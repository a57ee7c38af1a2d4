import { Controller, Delete, Get, Headers, HttpCode, Inject, Post, Res } from '@nestjs/common';
import { RequireAnyScope } from '@countersign/auth';
import { clientWide } from '@countersign/auth-core';
import { CurrentCaller, OpenApi, ZodBody, ZodParam, ZodQuery, type Caller } from '@countersign/service-host';
import { type FastifyReply } from 'fastify';
import { IdempotentAnswers } from '../idempotency/idempotent-answers.service.js';
import {
  listDeliveriesSchema,
  replaySchema,
  type DeliveryPageJson,
  type ListDeliveries,
  type Replay,
} from './delivery.js';
import {
  endpointIdSchema,
  listEndpointsSchema,
  registerEndpointSchema,
  type EndpointId,
  type EndpointPageJson,
  type ListEndpoints,
  type RegisterEndpoint,
} from './endpoint.js';
import { WebhooksService } from './webhooks.service.js';

@OpenApi(({ ApiTags }) => ApiTags('webhooks'))
@Controller('webhooks')
export class WebhooksController {
  constructor(
    @Inject(WebhooksService) private readonly webhooks: WebhooksService,
    @Inject(IdempotentAnswers) private readonly answers: IdempotentAnswers,
  ) {}

  /**
   * Registers an endpoint for notices about the caller's payments (at most ten endpoints) or, with the scope `webhooks:write:client`, about
   * those of all subjects that its client acts for (`reach`). 201 with the endpoint; 422 `URL_INVALID`, `URL_NOT_HTTPS`,
   * `URL_HAS_CREDENTIALS`, `ADDRESS_NOT_PUBLIC`, `WEBHOOK_LIMIT`; 403 `SCOPE_MISSING`.
   */
  @Post()
  @RequireAnyScope('webhooks:write', clientWide('webhooks:write'))
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async register(
    @ZodBody(registerEndpointSchema) command: RegisterEndpoint,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.answers.send({ header, caller, reply, action: 'webhooks:register', kind: 'webhook' }, (key) =>
      this.webhooks.register(command, key, caller),
    );
  }

  /** The endpoints within the caller's reach, newest first, `limit` a page (1 to 200). */
  @Get()
  @RequireAnyScope('webhooks:read', clientWide('webhooks:read'))
  list(
    @ZodQuery(listEndpointsSchema) query: ListEndpoints,
    @CurrentCaller() caller: Caller,
  ): Promise<EndpointPageJson> {
    return this.webhooks.list(query, caller);
  }

  /** Removes an endpoint; undelivered notices are not sent. 204; 404 `WEBHOOK_UNKNOWN`. */
  @Delete(':id')
  @HttpCode(204)
  @RequireAnyScope('webhooks:write', clientWide('webhooks:write'))
  remove(@ZodParam('id', endpointIdSchema) id: EndpointId, @CurrentCaller() caller: Caller): Promise<void> {
    return this.webhooks.remove(id, caller);
  }

  /** What was or will be sent to an endpoint within thirty days, newest first, `limit` a page (1 to 200). 404 `WEBHOOK_UNKNOWN`. */
  @Get(':id/deliveries')
  @RequireAnyScope('webhooks:read', clientWide('webhooks:read'))
  sent(
    @ZodParam('id', endpointIdSchema) id: EndpointId,
    @ZodQuery(listDeliveriesSchema) query: ListDeliveries,
    @CurrentCaller() caller: Caller,
  ): Promise<DeliveryPageJson> {
    return this.webhooks.sent(id, query, caller);
  }

  /**
   * Sends one event again, or those since a time, the oldest thousand of them. 202 with the endpoint and `next_since`: the time to use in the next request for
   * the rest, or null; 404 `WEBHOOK_UNKNOWN`, `DELIVERY_UNKNOWN`; 409 `WEBHOOK_GONE`.
   */
  @Post(':id/replay')
  @RequireAnyScope('webhooks:write', clientWide('webhooks:write'))
  @OpenApi(({ ApiHeader }) => ApiHeader({ name: 'Idempotency-Key', required: true }))
  async replay(
    @ZodParam('id', endpointIdSchema) id: EndpointId,
    @ZodBody(replaySchema) wanted: Replay,
    @Headers('idempotency-key') header: string | undefined,
    @CurrentCaller() caller: Caller,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.answers.send({ header, caller, reply, action: 'webhooks:replay', kind: 'webhook' }, (key) =>
      this.webhooks.replay(id, wanted, key, caller),
    );
  }
}
