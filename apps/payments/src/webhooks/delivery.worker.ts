import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CLOCK, LOGGER, METRICS } from '@countersign/service-host';
import { type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { nextAttempt, type Delivery } from './delivery.js';
import { DeliveriesStore } from './deliveries.store.js';
import { EndpointsStore } from './endpoints.store.js';
import { WEBHOOK_SENDER, type Sent, type WebhookSender } from './sender.js';

/** Deliveries under way at once, in one process. */
const CONCURRENCY = 16;
/** Milliseconds between two looks for what is due. */
const POLL_MS = 1_000;

/** Sends what is due, on every replica: each delivery is taken by one of them. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #outcomes: Counter<'outcome'>;
  #running: Promise<void> | undefined;

  constructor(
    @Inject(DeliveriesStore) private readonly deliveries: DeliveriesStore,
    @Inject(EndpointsStore) private readonly endpoints: EndpointsStore,
    @Inject(WEBHOOK_SENDER) private readonly sender: WebhookSender,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#outcomes = new Counter({
      name: 'webhook_attempts_total',
      help: 'Webhook attempts, by what came of them: delivered, retried, failed.',
      labelNames: ['outcome'],
      registers: [metrics],
    });
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.sender.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const sent = await this.sendDue().catch((error: unknown) => {
        this.logger.warn({ err: error }, 'webhooks wait: the database does not answer');
        return 0;
      });
      if (sent < CONCURRENCY) await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Tries what is due now, each once. @returns how many were tried */
  async sendDue(): Promise<number> {
    const due = await this.deliveries.take(this.clock(), CONCURRENCY);
    await Promise.all(due.map((delivery) => this.#send(delivery)));
    return due.length;
  }

  async #send(delivery: Delivery): Promise<void> {
    const endpoint = await this.endpoints.get(delivery.endpointId);
    if (endpoint.status !== 'active') {
      const lastError = `the endpoint is ${endpoint.status}`;
      await this.deliveries.update({ ...delivery, status: 'failed', nextAttemptAt: null, lastError });
      return;
    }
    const sent = await this.sender.send({ id: delivery.eventId, url: endpoint.url, body: delivery.body });
    if (sent.kind === 'answered' && sent.status === 410) await this.endpoints.markGone(endpoint.id, this.clock());
    await this.deliveries.update(this.#after(delivery, sent));
  }

  #after(delivery: Delivery, sent: Sent): Delivery {
    const now = this.clock();
    const lastStatus = sent.kind === 'answered' ? sent.status : null;
    if (sent.kind === 'answered' && sent.status >= 200 && sent.status < 300) {
      this.#outcomes.inc({ outcome: 'delivered' });
      return { ...delivery, status: 'delivered', nextAttemptAt: null, lastStatus, lastError: null, deliveredAt: now };
    }
    const lastError = sent.kind === 'answered' ? `answered ${String(sent.status)}` : sent.reason.slice(0, 200);
    const next = lastStatus === 410 ? undefined : nextAttempt(delivery.attempts, now, Math.random());
    this.#outcomes.inc({ outcome: next === undefined ? 'failed' : 'retried' });
    const status = next === undefined ? 'failed' : 'pending';
    return { ...delivery, status, nextAttemptAt: next ?? null, lastStatus, lastError };
  }
}
