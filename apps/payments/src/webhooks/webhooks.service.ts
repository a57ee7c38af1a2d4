import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, Problem } from '@countersign/service-host';
import { ChangesStore } from '../changes/changes.store.js';
import { inFlight, type Answer } from '../idempotency/answer.js';
import { fingerprintOf, type IdempotencyKey, type StoredAnswer } from '../idempotency/idempotency-key.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import { auditEvent, type Caller } from '../payments/payment-events.js';
import { DeliveriesStore } from './deliveries.store.js';
import { deliveryToJson, type DeliveryPageJson, type ListDeliveries, type Replay } from './delivery.js';
import {
  ENDPOINT_LIMIT,
  endpointIdSchema,
  endpointToJson,
  type Endpoint,
  type EndpointId,
  type EndpointJson,
  type RegisterEndpoint,
} from './endpoint.js';
import { EndpointsStore } from './endpoints.store.js';
import { refusalOfUrl, type TargetRefusal, type TargetRule } from './target.js';

export const TARGET_RULE = Symbol('countersign.payments.webhook-target-rule');

const targetDetails: Readonly<Record<TargetRefusal, string>> = {
  URL_INVALID: 'The URL cannot be read.',
  URL_NOT_HTTPS: 'Webhooks go to https alone.',
  URL_HAS_CREDENTIALS: 'A URL with a user or a password is not taken: check the signature instead.',
  ADDRESS_NOT_PUBLIC: 'Webhooks go to public addresses alone.',
};

/** A client's own webhook endpoints, what was sent to them, and sending it again. */
@Injectable()
export class WebhooksService {
  constructor(
    @Inject(ChangesStore) private readonly changes: ChangesStore,
    @Inject(EndpointsStore) private readonly endpoints: EndpointsStore,
    @Inject(DeliveriesStore) private readonly deliveries: DeliveriesStore,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(TARGET_RULE) private readonly rule: TargetRule,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async register(command: RegisterEndpoint, key: IdempotencyKey, caller: Caller): Promise<Answer> {
    const refusal = refusalOfUrl(command.url, this.rule);
    if (refusal !== undefined) throw new Problem(422, refusal, targetDetails[refusal]);
    const { clientId } = caller.principal;
    const now = this.clock();
    const id = endpointIdSchema.parse(uuidv7(now.getTime()));
    const { url, types } = command;
    const endpoint: Endpoint = {
      id,
      clientId,
      url,
      types: [...types],
      status: 'active',
      createdAt: now,
      updatedAt: now,
    };
    const claim = { clientId, key, fingerprint: fingerprintOf(['webhook', url, ...types]) };
    const answer = { status: 201, body: { ...endpointToJson(endpoint) } };
    const known = await this.keys.look(claim, now);
    if (known.kind === 'answered') return { ...known.answer, replayed: true };
    if ((await this.endpoints.list(clientId)).length >= ENDPOINT_LIMIT) {
      throw new Problem(422, 'WEBHOOK_LIMIT', `A client has ${String(ENDPOINT_LIMIT)} endpoints at the most.`);
    }
    const event = { done: 'webhook.registered', action: 'webhooks:register', resource: `webhook/${id}` };
    const committed = await this.changes.commit([
      this.endpoints.insert(endpoint),
      this.keys.takeAnswered(claim, id, answer, now),
      this.changes.event(auditEvent({ ...event, changes: { url, types } }, caller)),
    ]);
    if (committed === 'done') return { ...answer, replayed: false };
    return this.#replayed(await this.keys.look(claim, now));
  }

  async list(caller: Caller): Promise<{ readonly webhooks: readonly EndpointJson[] }> {
    const endpoints = await this.endpoints.list(caller.principal.clientId);
    await this.outbox.recordDurably(
      auditEvent({ done: 'webhooks.listed', action: 'webhooks:read', resource: 'webhooks' }, caller),
    );
    return { webhooks: endpoints.map(endpointToJson) };
  }

  async remove(id: EndpointId, caller: Caller): Promise<void> {
    const { clientId } = await this.#own(id, 'webhooks:remove', caller);
    const event = { done: 'webhook.removed', action: 'webhooks:remove', resource: `webhook/${id}` };
    await this.changes.commit([
      this.endpoints.remove({ id, clientId }, this.clock()),
      this.changes.event(auditEvent(event, caller)),
    ]);
  }

  async sent(id: EndpointId, query: ListDeliveries, caller: Caller): Promise<DeliveryPageJson> {
    await this.#own(id, 'webhooks:read', caller);
    const found = await this.deliveries.list(id, query);
    const page = found.slice(0, query.limit);
    await this.outbox.recordDurably(
      auditEvent({ done: 'webhook.deliveries_listed', action: 'webhooks:read', resource: `webhook/${id}` }, caller),
    );
    return {
      deliveries: page.map(deliveryToJson),
      next_cursor: found.length > query.limit ? (page.at(-1)?.eventId ?? null) : null,
    };
  }

  /** Sends one event again, or every one since a time. 202 with the endpoint; they go out at once. */
  async replay(id: EndpointId, wanted: Replay, key: IdempotencyKey, caller: Caller): Promise<Answer> {
    const endpoint = await this.#own(id, 'webhooks:replay', caller);
    const { clientId } = endpoint;
    const now = this.clock();
    const members = ['replay', id, wanted.event_id ?? '', wanted.since?.toISOString() ?? ''];
    const claim = { clientId, key, fingerprint: fingerprintOf(members) };
    const known = await this.keys.look(claim, now);
    if (known.kind === 'answered') return { ...known.answer, replayed: true };
    if (wanted.event_id !== undefined && !(await this.deliveries.exists(id, wanted.event_id))) {
      throw new Problem(404, 'DELIVERY_UNKNOWN', 'No such event was sent to this endpoint in the last thirty days.');
    }
    const answer: StoredAnswer = { status: 202, body: { ...endpointToJson(endpoint) } };
    const changes = { event_id: wanted.event_id ?? null, since: wanted.since?.toISOString() ?? null };
    const event = { done: 'webhook.replayed', action: 'webhooks:replay', resource: `webhook/${id}` };
    const committed = await this.changes.commit([
      this.deliveries.replay(id, wanted, now),
      this.keys.takeAnswered(claim, id, answer, now),
      this.changes.event(auditEvent({ ...event, changes }, caller)),
    ]);
    if (committed === 'done') return { ...answer, replayed: false };
    return this.#replayed(await this.keys.look(claim, now));
  }

  /** @throws {Problem} 404 `WEBHOOK_UNKNOWN`, the same for another's and for none; recorded */
  async #own(id: EndpointId, action: string, caller: Caller): Promise<Endpoint> {
    const endpoint = await this.endpoints.find(id, caller.principal.clientId);
    if (endpoint !== undefined) return endpoint;
    const failure = 'WEBHOOK_UNKNOWN';
    await this.outbox.recordDurably(
      auditEvent({ done: 'webhook.missed', action, resource: `webhook/${id}`, failure }, caller),
    );
    throw new Problem(404, failure, 'There is no such webhook endpoint among yours.');
  }

  #replayed(known: Awaited<ReturnType<IdempotencyStore['look']>>): Answer {
    if (known.kind !== 'answered') throw inFlight();
    return { ...known.answer, replayed: true };
  }
}
