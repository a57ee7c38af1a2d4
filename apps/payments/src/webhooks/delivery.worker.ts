import { setTimeout as delay } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, CLOCK, LOGGER, METRICS, type BackgroundHandle } from '@countersign/service-host';
import { type Logger } from 'pino';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { endOf, endUnsent } from './attempt-end.js';
import { DeliveriesStore } from './deliveries.store.js';
import { type Attempt, type AttemptEnd, DeliveryQueueStore } from './delivery-queue.store.js';
import { type EndpointId } from './endpoint.js';
import { WEBHOOK_SENDER, type WebhookSender } from './sender.js';
import { nextInTurn, type Lane } from './turns.js';

export const WEBHOOK_CONCURRENCY = Symbol('countersign.payments.webhook-concurrency');

/** Maximum concurrent attempts to one endpoint, once it has accepted something; until then one. */
export const ENDPOINT_CONCURRENCY = 4;
/** Milliseconds after which an attempt counts in the slow lane. */
const SLOW_AFTER_MS = 1_000;
/** Milliseconds between two checks for due attempts: retries, and those left by another replica. */
const POLL_MS = 250;
/** The same after so many checks that found nothing. */
const REST_MS = 1_000;
const RESTS_AFTER = 20;
/** Endpoints fetched per free place, so that there is a choice between clients. */
const CHOICE = 4;
/** Maximum endpoints remembered to have accepted something. */
const TRUSTED_LIMIT = 10_000;
/** Milliseconds that a stopping process waits for its attempts; interrupted ones are sent again by another process, or later. */
const STOP_MS = 2_000;

interface UnderWay extends Attempt {
  lane: Lane;
}

/** Sends what is due, on every replica: a pool that refills as attempts end, with a fair share for each client. */
@Injectable()
export class DeliveryWorker implements OnModuleInit, BeforeApplicationShutdown {
  readonly #underWay = new Set<UnderWay>();
  readonly #trusted = new Set<EndpointId>();
  readonly #outcomes: Counter<'outcome'>;
  readonly #waited: Histogram;
  #ends: AttemptEnd[] = [];
  #emptyChecks = 0;
  #handle: BackgroundHandle | undefined;
  #round: Promise<'again' | undefined> = Promise.resolve(undefined);
  #stopped = false;

  constructor(
    @Inject(DeliveryQueueStore) private readonly queue: DeliveryQueueStore,
    @Inject(DeliveriesStore) private readonly deliveries: DeliveriesStore,
    @Inject(WEBHOOK_SENDER) private readonly sender: WebhookSender,
    @Inject(WEBHOOK_CONCURRENCY) private readonly concurrency: number,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(Background) private readonly background: Background,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#outcomes = new Counter({
      name: 'webhook_attempts_total',
      help: 'Webhook attempts, by result: delivered, retried, failed.',
      labelNames: ['outcome'],
      registers: [metrics],
    });
    this.#waited = new Histogram({
      name: 'webhook_wait_seconds',
      help: 'Delay between the time a webhook attempt was due and its start.',
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers: [metrics],
    });
    const inLane = (lane: Lane): number => this.#inLane(lane);
    new Gauge({
      name: 'webhook_attempts_under_way',
      help: 'Webhook attempts in progress, by lane: slow means endpoints that pause between attempts, and attempts that take longer than a second.',
      labelNames: ['lane'],
      registers: [metrics],
      collect() {
        for (const lane of ['swift', 'slow'] as const) this.set({ lane }, inLane(lane));
      },
    });
  }

  onModuleInit(): void {
    this.#handle = this.background.repeat({
      name: 'webhook_deliveries',
      everyMs: () => (this.#emptyChecks < RESTS_AFTER ? POLL_MS : REST_MS),
      run: () => (this.#round = this.#stopped ? Promise.resolve(undefined) : this.#turn()),
    });
    this.deliveries.whenDue(() => this.#handle?.wake());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    await this.#round.catch(() => undefined);
    for (const deadline = performance.now() + STOP_MS; this.#underWay.size > 0 && performance.now() < deadline;)
      await delay(20);
    const ends = this.#ends.splice(0);
    await this.sender.close();
    await this.queue.end(ends, this.clock()).catch((error: unknown) => {
      this.logger.warn(
        { err: error },
        'the results of the last webhook attempts could not be stored; the attempts will be repeated',
      );
    });
  }

  async #turn(): Promise<'again' | undefined> {
    await this.#keepEnds();
    const begun = await this.#fill();
    this.#emptyChecks = begun > 0 ? 0 : this.#emptyChecks + 1;
    return begun > 0 ? 'again' : undefined;
  }

  async #keepEnds(): Promise<void> {
    const ends = this.#ends;
    if (ends.length === 0) return;
    this.#ends = [];
    try {
      await this.queue.end(ends, this.clock());
    } catch (error) {
      this.#ends = [...ends, ...this.#ends];
      throw error;
    }
  }

  /** Starts as many attempts as there are free places, in order. @returns how many */
  async #fill(): Promise<number> {
    const free = { swift: this.#free('swift'), slow: this.#free('slow') };
    if (free.swift + free.slow === 0) return 0;
    const underWay = [...this.#underWay];
    const slow = underWay.filter(({ lane }) => lane === 'slow').map(({ endpointId }) => endpointId);
    const limits = { swift: free.swift * CHOICE, slow: free.slow * CHOICE };
    const ready = await this.queue.ready(this.clock(), { busy: this.#busy(underWay), slow, limits });
    const chosen = nextInTurn(ready, underWay, free);
    if (chosen.length === 0) return 0;
    const lanes = new Map(chosen.map(({ endpointId, lane }) => [endpointId, lane]));
    const taken = await this.queue.take([...lanes.keys()], this.clock());
    for (const attempt of taken) void this.#attempt({ ...attempt, lane: lanes.get(attempt.endpointId) ?? 'slow' });
    return taken.length;
  }

  /** It never rejects. */
  async #attempt(attempt: UnderWay): Promise<void> {
    this.#underWay.add(attempt);
    this.#waited.observe(Math.max(0, this.clock().getTime() - attempt.dueAt.getTime()) / 1_000);
    const slow = setTimeout(() => {
      attempt.lane = 'slow';
      this.#handle?.wake();
    }, SLOW_AFTER_MS);
    const end = await this.#send(attempt);
    clearTimeout(slow);
    this.#underWay.delete(attempt);
    this.#ends.push(end);
    this.#handle?.wake();
  }

  async #send(attempt: UnderWay): Promise<AttemptEnd> {
    if (attempt.endpointStatus !== 'active') return endUnsent(attempt);
    const sent = await this.sender.send({ id: attempt.eventId, url: attempt.url, body: attempt.body });
    const end = endOf(attempt, sent, this.clock(), Math.random);
    this.#outcomes.inc({ outcome: end.status === 'pending' ? 'retried' : end.status });
    this.#trusted.delete(attempt.endpointId);
    if (end.status === 'delivered') {
      if (this.#trusted.size >= TRUSTED_LIMIT) this.#trusted.clear();
      this.#trusted.add(attempt.endpointId);
    }
    return end;
  }

  /** Endpoints that have reached their maximum of concurrent attempts. */
  #busy(underWay: readonly UnderWay[]): readonly EndpointId[] {
    const counts = new Map<EndpointId, number>();
    for (const { endpointId } of underWay) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1);
    return [...counts].flatMap(([id, count]) =>
      count >= (this.#trusted.has(id) ? ENDPOINT_CONCURRENCY : 1) ? [id] : [],
    );
  }

  #inLane(lane: Lane): number {
    return [...this.#underWay].filter((attempt) => attempt.lane === lane).length;
  }

  /** The slow lane has half as many places; attempts that move to it while in progress may exceed them. */
  #free(lane: Lane): number {
    const places = lane === 'swift' ? this.concurrency : Math.ceil(this.concurrency / 2);
    return Math.max(0, places - this.#inLane(lane));
  }
}
