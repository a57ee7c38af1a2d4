import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import {
  auditStream,
  connectToNats,
  ensureAuditStreams,
  receiptSubject,
  type NatsOptions,
  type Receipt,
} from '@countersign/audit-client';
import { HEALTH, LOGGER, METRICS, type HealthRegistry } from '@countersign/service-host';
import { AckPolicy, jetstream, jetstreamManager, type Consumer, type JsMsg } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { inspect, type Rejected } from './border.js';
import { IntakeStore } from './intake.store.js';

export const INTAKE_OPTIONS = Symbol('countersign.audit.intake-options');
export interface IntakeOptions {
  readonly nats: NatsOptions;
  readonly replicas: number;
}

const CONSUMER = 'audit-log';
const BATCH = 250;
const RECEIPTS_EVERY_MS = 2_000;
const ALIVE_EVERY_MS = 2_000;

/** Batch → border → one transaction → acknowledge → receipts. What is not committed is not acknowledged, so it comes again. */
@Injectable()
export class IntakeService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #stored: Counter<'source'>;
  readonly #deadLetters: Counter;
  #running: Promise<void> = Promise.resolve();
  #connection: NatsConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #consuming = false;
  #lastError: string | null = null;

  constructor(
    @Inject(INTAKE_OPTIONS) private readonly options: IntakeOptions,
    @Inject(IntakeStore) private readonly store: IntakeStore,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#stored = new Counter({
      name: 'audit_events_received_total',
      help: 'Audit events taken from the stream and committed, by source; redeliveries count again.',
      labelNames: ['source'],
      registers: [metrics],
    });
    this.#deadLetters = new Counter({
      name: 'audit_dead_letters_total',
      help: 'Messages that no trail can take, kept with their reason.',
      registers: [metrics],
    });
    health.addNote('intake', () => ({ consuming: this.#consuming, last_error: this.#lastError }));
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#running;
    await this.#connection?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    this.#connection = await connectToNats('audit-intake', this.options.nats, this.logger, signal);
    if (this.#connection === undefined) return;
    const connection = this.#connection;
    this.#timer = setInterval(() => void this.#repeatReceipts(connection), RECEIPTS_EVERY_MS);
    while (!signal.aborted) {
      try {
        await this.#consume(await this.#consumer(connection), connection);
      } catch (error) {
        this.#consuming = false;
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== this.#lastError) this.logger.warn({ reason }, 'the intake waits; nothing is lost');
        this.#lastError = reason;
        await delay(250 + Math.random() * 500, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Streams and consumer as declared in code, made again when they were lost. */
  async #consumer(connection: NatsConnection): Promise<Consumer> {
    const manager = await jetstreamManager(connection, { timeout: 3_000 });
    await ensureAuditStreams(manager, this.options.replicas);
    await manager.consumers.add(auditStream.name, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      // A batch commits in milliseconds; what a killed replica held comes again after this.
      ack_wait: 5_000_000_000,
      max_ack_pending: 4 * BATCH,
    });
    return jetstream(connection).consumers.get(auditStream.name, CONSUMER);
  }

  async #consume(consumer: Consumer, connection: NatsConnection): Promise<void> {
    const { signal } = this.#stopped;
    const queue: JsMsg[] = [];
    let arrived = (): void => undefined;
    // What may be under way is bounded by the consumer's max_ack_pending, so the queue is too.
    const subscription = await consumer.consume({
      max_messages: 2 * BATCH,
      callback: (message) => {
        queue.push(message);
        arrived();
      },
    });
    this.#consuming = true;
    let checkedAt = Date.now();
    try {
      while (!signal.aborted) {
        const messages = queue.splice(0, BATCH);
        if (messages.length > 0) {
          await this.#take(messages, connection);
          continue;
        }
        this.#lastError = null;
        if (Date.now() - checkedAt > ALIVE_EVERY_MS) {
          checkedAt = Date.now();
          if (!(await this.#alive(consumer))) throw new Error('the stream or its consumer is gone');
        }
        const woken = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        if (queue.length === 0) await Promise.race([woken, delay(500, undefined, { signal }).catch(() => undefined)]);
      }
    } finally {
      this.#consuming = false;
      await subscription.close();
    }
  }

  async #alive(consumer: Consumer): Promise<boolean> {
    return consumer.info().then(
      () => true,
      () => false,
    );
  }

  async #take(messages: readonly JsMsg[], connection: NatsConnection): Promise<void> {
    const inspected = messages.map((message) => inspect({ natsSubject: message.subject, payload: message.data }));
    const receipts = await this.store.append(inspected).catch((error: unknown) => {
      for (const message of messages) message.nak(1_000);
      throw error;
    });
    for (const item of inspected) {
      if (item.kind === 'event') this.#stored.inc({ source: item.event.source });
      else this.#bury(item, connection);
    }
    for (const message of messages) message.ack();
    this.#send(receipts, connection);
  }

  /** The dead letter is already kept in the database; the stream is for those who watch it. */
  #bury(letter: Rejected, connection: NatsConnection): void {
    this.#deadLetters.inc();
    this.logger.warn({ nats_subject: letter.natsSubject, reason: letter.reason }, 'a message went to the dead letters');
    const header = headers();
    header.set('Countersign-Reason', letter.reason.replaceAll(/[\r\n]+/g, ' '));
    connection.publish(`audit-dead-letters.${letter.natsSubject}`, letter.payload, { headers: header });
  }

  #send(receipts: readonly Receipt[], connection: NatsConnection): void {
    for (const receipt of receipts) connection.publish(receiptSubject(receipt.source), JSON.stringify(receipt));
  }

  async #repeatReceipts(connection: NatsConnection): Promise<void> {
    if (connection.isClosed()) return;
    try {
      this.#send(await this.store.progress(), connection);
    } catch (error) {
      this.logger.debug({ err: error }, 'receipts wait for the next round');
    }
  }
}
