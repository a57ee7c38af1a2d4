import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import {
  connectToNats,
  recalledSubject,
  receiptSubject,
  type NatsOptions,
  type Placement,
  type StreamSettings,
} from '@countersign/audit-client';
import { Background, databaseReasonOf, HEALTH, LOGGER, METRICS, type HealthRegistry } from '@countersign/service-host';
import { type JsMsg } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { type Registry } from 'prom-client';
import { LogWentBack } from '../log/log-reach.js';
import { EVENT_MASKING, type EventMasking } from '../masking/event-masking.js';
import { KNOWN_INDEX_KEYS, provable, type KnownIndexKeys } from '../recovery/known-index.js';
import { OutsideEvidence } from '../recovery/outside-evidence.service.js';
import { publisherOf } from '../recovery/recalled-message.js';
import { RecoveryService } from '../recovery/recovery.service.js';
import { SourceReportsService } from '../source-reports/source-reports.service.js';
import { inspectMessage, type Accepted, type Rejected } from './message-check.js';
import { openIntake, UNDER_WAY, type Intake } from './intake-consumer.js';
import { IntakeLoad } from './intake-load.service.js';
import { IntakeMetrics } from './intake-metrics.js';
import { IntakeStore, type Appended } from './intake.store.js';

export const INTAKE_OPTIONS = Symbol('countersign.audit.intake-options');
export interface IntakeOptions {
  readonly nats: NatsOptions;
  readonly streams: StreamSettings;
}

const RECEIPTS_EVERY_MS = 2_000;
const CHECK_EVERY_MS = 2_000;
/** Milliseconds after which the stream is notified that a message is still being processed: otherwise it would resend it after five seconds. */
const WORKING_EVERY_MS = 2_000;

/** Maximum events of one transaction: once reached, no more messages join it. */
const BATCH = 500;

/** Maximum characters of a message's subject under which its dead letter is announced. */
const ANNOUNCED_SUBJECT = 512;

/** Maximum messages held while the log is recovered: more would leave no capacity for recovered events. */
const HELD = 64;

interface Arrived {
  readonly message: JsMsg;
  readonly inspected: readonly (Accepted | Rejected)[];
}

/** Takes whole messages from the queue's head until they hold enough for a transaction. */
function nextBatch(queue: Arrived[]): readonly Arrived[] {
  let events = 0;
  let messages = 0;
  for (const { inspected } of queue) {
    if (events >= BATCH) break;
    events += inspected.length;
    messages += 1;
  }
  return queue.splice(0, messages);
}

/** Check → batch → one transaction → acknowledge → receipts. Messages that are not committed are not acknowledged, so they are redelivered. */
@Injectable()
export class IntakeService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #metrics: IntakeMetrics;
  #running: Promise<void> = Promise.resolve();
  #connection: NatsConnection | undefined;
  #consuming = false;
  /** Messages that arrived and wait, and those in the current transaction. */
  readonly #queue: Arrived[] = [];
  #taken: readonly Arrived[] = [];
  /** Messages waiting for the log's recovery, by their position in the stream. */
  readonly #held = new Set<number>();
  #lastError: string | null = null;

  constructor(
    @Inject(INTAKE_OPTIONS) private readonly options: IntakeOptions,
    @Inject(IntakeStore) private readonly store: IntakeStore,
    @Inject(IntakeLoad) private readonly load: IntakeLoad,
    @Inject(EVENT_MASKING) private readonly masking: EventMasking,
    @Inject(OutsideEvidence) private readonly outside: OutsideEvidence,
    @Inject(RecoveryService) private readonly recovery: RecoveryService,
    @Inject(SourceReportsService) private readonly reports: SourceReportsService,
    @Inject(KNOWN_INDEX_KEYS) private readonly knownIndexKeys: KnownIndexKeys,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) registry: Registry,
    @Inject(Background) background: Background,
  ) {
    background.repeat({ name: 'receipts', everyMs: RECEIPTS_EVERY_MS, run: () => this.#repeatReceipts() });
    background.repeat({ name: 'messages_in_hand', everyMs: WORKING_EVERY_MS, run: () => this.#working() });
    this.#metrics = new IntakeMetrics(registry);
    health.addNote('intake', () => ({
      consuming: this.#consuming,
      ...this.#metrics.note(),
      last_error: this.#lastError,
    }));
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await this.#connection?.close();
  }

  /** Its own loop instead of {@link Background}'s: it follows a stream until that ends, in rounds without an interval. */
  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    this.#connection = await connectToNats('audit-intake', this.options.nats, this.logger, signal);
    if (this.#connection === undefined) return;
    const connection = this.#connection;
    this.reports.listen(connection, (source, known) => {
      // If the database did not answer, the next report asks again.
      this.outside.heard(source, known).catch(() => undefined);
    });
    while (!signal.aborted) {
      try {
        await this.#consume(await this.#open(connection), connection);
      } catch (error) {
        this.#consuming = false;
        const { reason } = databaseReasonOf(error);
        if (reason !== this.#lastError) this.logger.warn({ reason }, 'intake is paused; nothing is lost');
        this.#lastError = reason;
        await delay(250 + Math.random() * 500, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #open(connection: NatsConnection): Promise<Intake> {
    const intake = await openIntake(connection, this.options.streams);
    for (const stream of intake.madeAgain)
      this.logger.warn({ stream }, 'a stream from an older version was recreated; the outboxes refill it');
    return intake;
  }

  async #consume(intake: Intake, connection: NatsConnection): Promise<void> {
    const { signal } = this.#stopped;
    let arrived = (): void => undefined;
    // The queue is bounded by the consumer's max_ack_pending: what the database cannot accept stays in the stream, and is not resent, however long
    // a transaction takes.
    const subscription = await intake.consumer.consume({
      max_messages: UNDER_WAY,
      callback: (message) => {
        // Checked on arrival, while the database processes the previous batch.
        this.#queue.push({
          message,
          inspected: inspectMessage({ natsSubject: message.subject, payload: message.data }),
        });
        arrived();
      },
    });
    this.#consuming = true;
    let checkedAt = -Infinity;
    try {
      while (!signal.aborted) {
        if (performance.now() - checkedAt > CHECK_EVERY_MS) {
          checkedAt = performance.now();
          await this.#check(intake);
        }
        // Nothing is accepted before it is certain that the log was not restored.
        this.#taken = this.outside.checked ? nextBatch(this.#queue) : [];
        if (this.#taken.length > 0) {
          await this.#take(this.#taken, connection);
          continue;
        }
        this.#lastError = null;
        const woken = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        if (this.#queue.length === 0 || !this.outside.checked)
          await Promise.race([woken, delay(500, undefined, { signal }).catch(() => undefined)]);
      }
    } finally {
      this.#consuming = false;
      await subscription.close();
      // The rest is redelivered.
      this.#queue.length = 0;
      this.#taken = [];
    }
  }

  /** Tells the stream not to resend the messages held here. */
  #working(): Promise<undefined> {
    if (this.#connection?.isClosed() === false)
      for (const { message } of [...this.#taken, ...this.#queue]) message.working();
    return Promise.resolve(undefined);
  }

  /** How much is waiting in the stream. @throws if the stream or its consumer is gone: then both are recreated */
  async #check(intake: Intake): Promise<void> {
    const waiting = await intake.waiting().catch(() => undefined);
    this.#metrics.waiting(waiting);
    if (waiting === undefined) throw new Error('the stream or its consumer is gone');
  }

  async #take(arrived: readonly Arrived[], connection: NatsConnection): Promise<void> {
    const batch: Arrived[] = [];
    for (const one of arrived) {
      const { message } = one;
      if (message.subject === recalledSubject(publisherOf(message.subject))) {
        await this.recovery.take(message);
        message.ack();
      } else {
        await this.outside.compare(message);
        batch.push(one);
      }
    }
    // Only now: the last of them may prove that the log was restored, and the first would then reuse a log index.
    if (!this.outside.mayGrow) {
      for (const { message } of batch) this.#hold(message);
      return;
    }
    if (batch.length === 0) return;
    this.#held.clear();
    await this.#append(batch, connection);
  }

  /**
   * The log may not grow. A few messages are redelivered soon; the others stay in their outboxes until a receipt arrives, and are sent again. What audit
   * itself records now is renumbered once its log is recovered.
   */
  #hold(message: JsMsg): void {
    if (!this.#held.has(message.seq) && (this.#held.size >= HELD || message.subject.startsWith('audit.audit.'))) {
      message.ack();
      return;
    }
    this.#held.add(message.seq);
    message.nak(1_000);
  }

  async #append(batch: readonly Arrived[], connection: NatsConnection): Promise<void> {
    const items = batch.flatMap(({ inspected }) => inspected);
    if (items.length >= BATCH) this.load.filled();
    const appended = await this.store.append(items).catch(async (error: unknown) => {
      for (const { message } of batch) message.nak(1_000);
      if (error instanceof LogWentBack) await this.outside.wentBack(error);
      throw error;
    });
    const committedAt = Date.now();
    for (const { message, inspected } of batch) {
      message.ack();
      const lagMs = committedAt - message.time.getTime();
      for (const item of inspected) {
        if (item.kind === 'event') this.#metrics.stored(item.event.source, lagMs);
        else this.#announce(item, connection);
      }
    }
    this.#send(await this.#kept(items, appended), connection);
  }

  /** Audit's own events get their indices only once they are stored outside its database; otherwise they are redelivered. */
  async #kept(items: readonly (Accepted | Rejected)[], appended: Appended): Promise<Appended> {
    const events = items.filter((item) => item.kind === 'event').map(({ event }) => event);
    try {
      await this.outside.keepOwn(events, appended.placements);
      return appended;
    } catch {
      return { ...appended, placements: appended.placements.filter(({ source }) => source !== 'audit') };
    }
  }

  /** The dead letter is already stored in the database; the stream is for those who watch it. */
  #announce(letter: Rejected, connection: NatsConnection): void {
    this.#metrics.buried();
    this.logger.warn({ nats_subject: letter.natsSubject, reason: letter.reason }, 'a message went to the dead letters');
    const header = headers();
    header.set('Countersign-Reason', letter.reason.replaceAll(/[\r\n]+/g, ' '));
    // A publisher's subject may be as long as the server's line limit; with a prefix, the server would close audit's own connection.
    const subject = letter.natsSubject.slice(0, ANNOUNCED_SUBJECT).replace(/\.+$/, '');
    connection.publish(`audit-dead-letters.${subject}`, this.masking.ofText(letter.payload).shown, {
      headers: header,
    });
  }

  /** Log indices first, so that every event covered by a receipt has a known one. */
  #send({ receipts, placements }: Appended, connection: NatsConnection): void {
    for (const placement of placements)
      connection.publish(receiptSubject(placement.source), JSON.stringify(provable(placement, this.knownIndexKeys)));
    for (const receipt of receipts) connection.publish(receiptSubject(receipt.source), JSON.stringify(receipt));
  }

  async #repeatReceipts(): Promise<undefined> {
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed()) return;
    const receipts = await this.store.progress();
    const placements = receipts.map(({ source }): Placement => ({ source, places: [] }));
    this.#send({ receipts, placements }, connection);
  }
}
