import { Inject, Injectable } from '@nestjs/common';
import { clientWide, ownerOf, reachOf } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY, uuidv7 } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, idempotencyInFlight, Problem, pageOf, type Caller } from '@countersign/service-host';
import { ChangesStore, TRIES } from '../changes/changes.store.js';
import { answerAgain, type Answer } from '../idempotency/answer.js';
import { fingerprintOf, type IdempotencyKey, type StoredAnswer } from '../idempotency/idempotency-key.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import { eventBy, type Action, type Details, type EventName } from '../event-by.js';
import { DeliveriesStore } from './deliveries.store.js';
import { DELIVERY_DAYS, deliveryToJson, type DeliveryPageJson, type ListDeliveries, type Replay } from './delivery.js';
import {
  ENDPOINT_LIMIT,
  endpointIdSchema,
  endpointPageToJson,
  endpointToJson,
  type Endpoint,
  type EndpointId,
  type EndpointPageJson,
  type EndpointReach,
  type ListEndpoints,
  type RegisterEndpoint,
} from './endpoint.js';
import { EndpointsStore } from './endpoints.store.js';
import { readTarget, URL_LIMIT, type TargetRefusal, type TargetRule } from '@countersign/service-host/outgoing';

export const TARGET_RULE = Symbol('countersign.payments.webhook-target-rule');

/** With it a client registers endpoints that receive notices about all its subjects' payments. */
const wideScope = clientWide('webhooks:write');

const targetDetails: Readonly<Record<TargetRefusal, string>> = {
  URL_INVALID: `Send an absolute URL of at most ${String(URL_LIMIT)} characters.`,
  URL_NOT_HTTPS: 'Webhook URLs must use https.',
  URL_HAS_CREDENTIALS: 'Webhook URLs must not contain credentials; verify the signature instead.',
  ADDRESS_NOT_PUBLIC: 'Webhook URLs must resolve to a public address.',
};

/** Webhook endpoints within a caller's reach, their deliveries, and replays. */
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

  async register(command: RegisterEndpoint, key: IdempotencyKey, caller: Caller, tries = 0): Promise<Answer> {
    const refuse = (problem: Problem) => this.#refuse(problem, caller, 'webhook.registration_refused', { id: EVERY });
    const target = readTarget(command.url, this.rule);
    if (!target.ok) return refuse(new Problem(422, target.refusal, targetDetails[target.refusal]));
    const owner = ownerOf(caller.principal);
    const reach = reachOfNew(command, caller.principal.scopes.has(wideScope));
    if (reach === undefined) {
      const detail = `An endpoint with reach client needs a token with the scope ${wideScope}.`;
      return refuse(new Problem(403, 'SCOPE_MISSING', detail));
    }
    const now = this.clock();
    const id = endpointIdSchema.parse(uuidv7(now.getTime()));
    const types = [...command.types];
    const { url } = target;
    const endpoint: Endpoint = { id, ...owner, reach, url, types, status: 'active', createdAt: now, updatedAt: now };
    const members = ['webhook', url, ...types, ...(reach === 'client' ? [reach] : [])];
    const claim = { owner, key, fingerprint: fingerprintOf(members) };
    const answer = { status: 201, body: { ...endpointToJson(endpoint) } };
    const known = await this.keys.find(claim, now);
    if (known.kind === 'answered') return answerAgain(known);
    const committed = await this.changes.commit([
      this.endpoints.insert(endpoint),
      this.keys.takeAnswered(claim, id, answer, now),
      this.changes.event(eventBy(caller, 'webhook.registered', { id, changes: { url, types, reach } })),
    ]);
    if (committed === 'done') return { ...answer, replayed: null };
    if (committed === 'key_known') return this.#replayed(await this.keys.find(claim, now));
    if (tries < TRIES && (await this.endpoints.countOf(owner)) < ENDPOINT_LIMIT) {
      return this.register(command, key, caller, tries + 1);
    }
    const earlier = await this.keys.find(claim, now);
    if (earlier.kind === 'answered') return answerAgain(earlier);
    const detail = `You already have ${String(ENDPOINT_LIMIT)} endpoints, the maximum; remove one first.`;
    return refuse(new Problem(422, 'WEBHOOK_LIMIT', detail));
  }

  async list(query: ListEndpoints, caller: Caller): Promise<EndpointPageJson> {
    const found = await this.endpoints.list(reachOf(caller.principal, 'webhooks:read'), query);
    await this.outbox.recordDurably(eventBy(caller, 'webhooks.listed', { id: EVERY }));
    return endpointPageToJson(found, query.limit);
  }

  async remove(id: EndpointId, caller: Caller): Promise<void> {
    const endpoint = await this.#own(id, 'webhooks:write', 'webhooks:remove', caller);
    const committed = await this.changes.commit([
      this.endpoints.remove(endpoint, this.clock()),
      this.changes.event(eventBy(caller, 'webhook.removed', { id })),
    ]);
    // Removed meanwhile.
    if (committed !== 'done')
      await this.#refuse(unknownWebhook(), caller, 'webhook.missed', { id, action: 'webhooks:remove' });
  }

  async sent(id: EndpointId, query: ListDeliveries, caller: Caller): Promise<DeliveryPageJson> {
    const endpoint = await this.#own(id, 'webhooks:read', 'webhooks:read', caller);
    const found = await this.deliveries.list(endpoint, query);
    const { rows, last } = pageOf(found, query.limit);
    await this.outbox.recordDurably(eventBy(caller, 'webhook.deliveries_listed', { id }));
    return { deliveries: rows.map(deliveryToJson), next_cursor: last?.eventId ?? null };
  }

  /** Sends one event again, or those since a time. 202 with the endpoint and `next_since`; they are sent immediately. 409 if the endpoint is gone. */
  async replay(id: EndpointId, wanted: Replay, key: IdempotencyKey, caller: Caller): Promise<Answer> {
    const endpoint = await this.#own(id, 'webhooks:write', 'webhooks:replay', caller);
    const now = this.clock();
    const members = ['replay', id, wanted.event_id ?? '', wanted.since?.toISOString() ?? ''];
    const claim = { owner: ownerOf(caller.principal), key, fingerprint: fingerprintOf(members) };
    const known = await this.keys.find(claim, now);
    if (known.kind === 'answered') return answerAgain(known);
    const changes = { event_id: wanted.event_id ?? null, since: wanted.since?.toISOString() ?? null };
    if (wanted.event_id !== undefined && !(await this.deliveries.exists(endpoint, wanted.event_id))) {
      const detail = `No such event was sent to this endpoint in the last ${String(DELIVERY_DAYS)} days.`;
      return this.#refuse(new Problem(404, 'DELIVERY_UNKNOWN', detail), caller, 'webhook.replay_refused', {
        id,
        changes,
      });
    }
    const next = wanted.since === undefined ? null : await this.deliveries.afterReplay(endpoint, wanted.since);
    const answer: StoredAnswer = {
      status: 202,
      body: { ...endpointToJson(endpoint), next_since: next?.toISOString() ?? null },
    };
    const committed = await this.changes.commit([
      this.endpoints.endRest(endpoint),
      this.deliveries.replay(endpoint, wanted, now),
      this.keys.takeAnswered(claim, id, answer, now),
      this.changes.event(eventBy(caller, 'webhook.replayed', { id, changes })),
    ]);
    if (committed === 'done') return { ...answer, replayed: null };
    if (committed === 'key_known') return this.#replayed(await this.keys.find(claim, now));
    const detail = 'This endpoint answered 410, so nothing is sent to it; register it again.';
    return this.#refuse(new Problem(409, 'WEBHOOK_GONE', detail), caller, 'webhook.replay_refused', { id, changes });
  }

  /** @throws {Problem} 404 `WEBHOOK_UNKNOWN`, the same for another's and for none; recorded */
  async #own(id: EndpointId, scope: string, action: Action, caller: Caller): Promise<Endpoint> {
    const endpoint = await this.endpoints.find(id, reachOf(caller.principal, scope));
    if (endpoint !== undefined) return endpoint;
    return this.#refuse(unknownWebhook(), caller, 'webhook.missed', { id, action });
  }

  /** @throws the problem, always, once it is recorded */
  async #refuse(problem: Problem, caller: Caller, name: EventName, details: Details): Promise<never> {
    await this.outbox.recordDurably(eventBy(caller, name, { ...details, failure: problem.code }));
    throw problem;
  }

  #replayed(known: Awaited<ReturnType<IdempotencyStore['find']>>): Answer {
    if (known.kind !== 'answered') throw idempotencyInFlight();
    return answerAgain(known);
  }
}

function unknownWebhook(): Problem {
  return new Problem(404, 'WEBHOOK_UNKNOWN', 'You have no such webhook endpoint.');
}

/** Whose payments a new endpoint is notified about. @returns undefined if that exceeds the reach of the caller's scope */
function reachOfNew({ reach }: RegisterEndpoint, mayReachClient: boolean): EndpointReach | undefined {
  if (reach === 'client' && !mayReachClient) return undefined;
  return reach ?? (mayReachClient ? 'client' : 'subject');
}
