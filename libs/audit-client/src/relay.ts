import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';
import {
  BATCH_SIZE_LIMIT,
  packEvents,
  publishBatch,
  publishRecalled,
  type EventBatch,
  type NumberedEvent,
} from './event-batch.js';
import { type KeptEvents, type KnownIndex } from './kept-events.store.js';
import { connectToNats, isConnected, type ConnectionLogger, type NatsOptions } from './nats-connection.js';
import { lastIndexOf, parsePlacement, parseRecall, parseReceipt, receiptSubject, type Place } from './receipts.js';
import { type AuditOutbox } from './outbox.store.js';
import { outboxReasonOf } from './outbox-tables.js';
import { RelayStore } from './relay.store.js';
import { ROUND } from './relay-statements.js';
import { reportSubject, writeReport, type SourceReport } from './source-report.js';

/** Which outbox is relayed, and to which NATS server. */
export interface RelayOptions {
  readonly pool: pg.Pool;
  readonly source: string;
  readonly nats: NatsOptions;
  readonly logger: ConnectionLogger;
  /** Records wake the relay; without it, and for events of other replicas, the relay only polls on a timer. */
  readonly outbox?: AuditOutbox;
  /**
   * Milliseconds between two checks of the outbox while nothing wakes the relay; 100 by default. After fifty checks that found nothing, five times
   * as many.
   */
  readonly pollIntervalMs?: number;
  /** Milliseconds after which a published event without a receipt is published again; 30,000 by default. */
  readonly republishAfterMs?: number;
  /**
   * Hours for which an event is kept with its place once it is in the log, in case the audit database is restored from a backup; 0 (none) by default.
   */
  readonly keepHours?: number;
}

/** The state of a relay, for health and metrics. */
export interface RelayState {
  readonly connected: boolean;
  /** Whether this process holds the database's relay lock; another replica may. */
  readonly leading: boolean;
  /** Events in the outbox, as last counted. */
  readonly pending: number;
  readonly lastPublishedAt: string | null;
  readonly lastError: string | null;
}

/** Publishes the outbox to JetStream until receipts say that the log has it. */
export interface Relay {
  state(): RelayState;
  /** Tells audit how this service is doing, for its page Health. A report is lost while NATS is unavailable; repeat it every few seconds. */
  report(report: Omit<SourceReport, 'source' | 'known'>): void;
  stop(): Promise<void>;
}

const COUNT_EVERY_MS = 2_000;
const CHECK_DUE_EVERY_MS = 1_000;
const RELEASE_EVERY_MS = 100;
const FORGET_EVERY_MS = 60_000;

/** After so many checks in a row that found nothing, the next ones come after so many times the usual interval. */
const QUIET_CHECKS = 50;
const QUIET_INTERVALS = 5;

/** Milliseconds that an event waits for its place although a receipt covers it: in that time it is published again, so that audit sends the place. */
const WAIT_FOR_PLACE_MS = 120_000;
/** Maximum placements that wait for one statement; audit sends the rest again. */
const PLACE_LIMIT = 1_000;

/** Milliseconds between two checks while events arrive: under load events share a message, and the first one after a pause does not wait. */
export const RELAY_PACE_MS = 40;

/** Milliseconds that a relay that stops waits for the acknowledgement of what it has published. */
const ANSWERS_AT_STOP_MS = 250;

/** Milliseconds after which a subscription that the server refused is tried again. */
const SUBSCRIBE_AGAIN_MS = 5_000;

/** Maximum bytes of a message's headers. */
const HEADER_ROOM = 1_024;
/** Part of a recalled message for its events; the rest is for their salts, which can be longer than the events. */
const RECALLED_SHARE = 1 / 4;

function highestOf(before: KnownIndex | undefined, place: Place): KnownIndex | undefined {
  const index = lastIndexOf(place);
  const { known } = place;
  if (index === undefined || known === undefined) return before;
  return before === undefined || index > before.index ? { index, known } : before;
}

/** Kept events that audit asks for, from a log index on. */
interface Recalled {
  readonly from: bigint;
  /** The last ones that were sent. */
  readonly after?: KeptEvents | undefined;
}

class OutboxRelay implements Relay {
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #leading = false;
  /** The highest receipt, and the last one processed. */
  #received = 0n;
  #released = 0n;
  #releasedAt = 0;
  /** Whether audit sends places; an older version only sends receipts. */
  #placing = false;
  #places: Place[] = [];
  /** What audit has asked for, and how far it was sent. */
  #recalled: Recalled | undefined;
  #known: KnownIndex | undefined;
  #checkedUnplacedAt = -Infinity;
  #forgotAt = -Infinity;
  /** Whether events numbered in an earlier round are known to wait. */
  #behind = true;
  #checkedDueAt = -Infinity;
  #woken = false;
  #wake: () => void = () => undefined;
  #pending = 0;
  #countedAt = -Infinity;
  #lastPublishedAt: Date | undefined;
  #lastError: string | null = null;
  /** Why receipts cannot be received. */
  #deaf: string | null = null;

  constructor(private readonly options: RelayOptions) {
    options.outbox?.onRecorded(() => {
      this.#woken = true;
      this.#wake();
    });
    this.#running = this.#run();
  }

  state(): RelayState {
    return {
      connected: isConnected(this.#connection),
      leading: this.#leading,
      pending: this.#pending,
      lastPublishedAt: this.#lastPublishedAt?.toISOString() ?? null,
      lastError: this.#lastError ?? this.#deaf,
    };
  }

  report(report: Omit<SourceReport, 'source' | 'known'>): void {
    const { source } = this.options;
    const known = this.#known?.known;
    const written = writeReport({ ...report, source, ...(known === undefined ? {} : { known }) });
    // The client would keep it for later, when it is no longer true.
    if (isConnected(this.#connection)) this.#connection?.publish(reportSubject(source), written);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    // Ends the wait for answers. What was not acknowledged is published again after the next start, and the stream stores it once.
    const late = setTimeout(() => void this.#connection?.close(), ANSWERS_AT_STOP_MS);
    await this.#running;
    clearTimeout(late);
    await this.#connection?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { source, nats, logger } = this.options;
    this.#connection = await connectToNats(`${source}-relay`, nats, logger, signal);
    if (this.#connection === undefined) return;
    this.#takeReceipts(this.#connection);
    const stream = jetstream(this.#connection, { timeout: 3_000 });
    while (!signal.aborted) {
      try {
        await this.#lead(stream);
      } catch (error) {
        this.#failed(error);
      }
      this.#leading = false;
      await this.#pause(500);
    }
  }

  /** Holds the relay lock of this database and works until stopped or until something fails. */
  async #lead(stream: JetStreamClient): Promise<void> {
    const client = await this.options.pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    const store = new RelayStore(client, this.options.source, this.options.keepHours ?? 0);
    try {
      if (!(await store.lock())) {
        // Another replica relays.
        this.#lastError = null;
        return;
      }
      this.#leading = true;
      this.#behind = true;
      this.#known = await store.kept.highestKnown();
      let foundNothing = 0;
      while (!this.#stopped.signal.aborted && broken === undefined) {
        const isUnlikely = foundNothing > 0 && !this.#woken;
        this.#woken = false;
        const found = await this.#move(store, stream, isUnlikely);
        foundNothing = found === 0 ? foundNothing + 1 : 0;
        if (found === 0) await this.#idle(foundNothing > QUIET_CHECKS ? QUIET_INTERVALS : 1);
        else if (found < ROUND && !this.#behind) await this.#pause(RELAY_PACE_MS);
      }
      await store.mark();
      await store.unlock();
    } catch (error) {
      // Otherwise what was published in the last two seconds is published again, after each failure.
      await store.mark().catch(() => undefined);
      broken = error instanceof Error ? error : new Error(String(error));
      throw broken;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /**
   * Publishes and marks what one check finds: what is due again, then what is new.
   * @param isUnlikely whether the last check found nothing, and nothing was recorded here since: then new events are looked for before they are numbered
   * @returns the number of events
   */
  async #move(store: RelayStore, stream: JetStreamClient, isUnlikely: boolean): Promise<number> {
    const now = performance.now();
    const waiting = isUnlikely ? await store.waiting() : { unnumbered: true, any: true };
    if (!waiting.any && this.#places.length === 0) return this.#rest(store, stream, now);
    let due: readonly NumberedEvent[] = [];
    if (this.#behind || now - this.#checkedDueAt >= CHECK_DUE_EVERY_MS) {
      due = await store.due(this.options.republishAfterMs ?? 30_000, this.#received);
      this.#checkedDueAt = now;
    }
    const events = due.length < ROUND && waiting.unnumbered ? [...due, ...(await store.number())] : due;
    // First, so that events reach the trail whatever prevents the rest.
    const refusal = await this.#publish(store, stream, packEvents(events, { bytes: this.#sizeLimit() }));
    this.#behind = refusal !== undefined || due.length >= ROUND;
    await this.#release(store, now);
    const failure = refusal ?? (await this.#sendRecalled(store, stream));
    if (now - this.#countedAt > COUNT_EVERY_MS) {
      this.#pending = await store.count();
      this.#countedAt = now;
    }
    if (failure === undefined) this.#lastError = null;
    else await this.#refused(failure);
    return events.length;
  }

  async #refused({ reason }: PromiseRejectedResult): Promise<void> {
    this.#failed(reason);
    await this.#pause(500);
  }

  /** What remains to be done while nothing waits. */
  async #rest(store: RelayStore, stream: JetStreamClient, now: number): Promise<0> {
    this.#behind = false;
    this.#pending = 0;
    this.#countedAt = now;
    await this.#forget(store, now);
    const failure = await this.#sendRecalled(store, stream);
    if (failure === undefined) this.#lastError = null;
    else await this.#refused(failure);
    return 0;
  }

  /** Removes what the log has; many receipts cost one statement. */
  async #release(store: RelayStore, now: number): Promise<void> {
    if (now - this.#releasedAt < RELEASE_EVERY_MS) return;
    const through = this.#received;
    const places = this.#places.splice(0);
    if (places.length > 0) {
      await store.place(places);
      this.#known = places.reduce(highestOf, this.#known);
    }
    if (this.#placing) {
      // Events whose place never arrives: checked now and then, even without a new receipt.
      if (now - this.#checkedUnplacedAt > CHECK_DUE_EVERY_MS) {
        await store.release(through, WAIT_FOR_PLACE_MS);
        this.#checkedUnplacedAt = now;
      }
    } else if (through !== this.#released) {
      await store.release(through, 0);
      this.#released = through;
    }
    await this.#forget(store, now);
    this.#releasedAt = now;
  }

  async #forget(store: RelayStore, now: number): Promise<void> {
    if (now - this.#forgotAt <= FORGET_EVERY_MS) return;
    await store.kept.forget();
    this.#forgotAt = now;
  }

  /** @returns the first refusal, if any; acknowledged messages count regardless */
  async #publish(
    store: RelayStore,
    stream: JetStreamClient,
    batches: readonly EventBatch[],
  ): Promise<PromiseRejectedResult | undefined> {
    const results = await Promise.allSettled(
      batches.map((batch) =>
        publishBatch(stream, this.options.source, batch, this.#known?.known, batch.last <= this.#received),
      ),
    );
    const published = batches.filter((_, index) => results[index]?.status === 'fulfilled');
    store.published(
      published,
      batches.filter((batch) => !published.includes(batch)),
    );
    if (published.length > 0) this.#lastPublishedAt = new Date();
    return results.find((result) => result.status === 'rejected');
  }

  /** A server may be configured to accept less than a full batch. */
  #sizeLimit(): number {
    const serverLimit = this.#connection?.info?.max_payload ?? BATCH_SIZE_LIMIT;
    return Math.min(BATCH_SIZE_LIMIT, serverLimit - HEADER_ROOM);
  }

  #takeReceipts(connection: NatsConnection): void {
    connection.subscribe(receiptSubject(this.options.source), {
      callback: (error, message) => {
        if (error !== null) {
          this.#deafened(connection, error);
          return;
        }
        this.#deaf = null;
        const text = message.string();
        const receipt = parseReceipt(text);
        if (receipt === undefined) this.#takePlaces(text);
        else if (receipt.source === this.options.source) {
          const through = BigInt(receipt.through);
          if (through > this.#received) this.#received = through;
        }
      },
    });
  }

  /** The server refuses the subscription, and would not renew it once the right is there. */
  #deafened(connection: NatsConnection, error: Error): void {
    const reason = outboxReasonOf(error);
    if (reason !== this.#deaf) this.options.logger.warn({ reason }, 'no receipts: published events stay in the outbox');
    this.#deaf = reason;
    const again = setTimeout(() => {
      if (!connection.isClosed()) this.#takeReceipts(connection);
    }, SUBSCRIBE_AGAIN_MS);
    again.unref();
  }

  /**
   * Sends what audit has lost and this service still keeps. It can be more than the stream holds, so it continues where the stream has refused.
   * @returns the refusal, if any
   */
  async #sendRecalled(store: RelayStore, stream: JetStreamClient): Promise<PromiseRejectedResult | undefined> {
    for (let recalled = this.#recalled; recalled !== undefined; recalled = this.#recalled) {
      if (this.#stopped.signal.aborted) return undefined;
      const page = await store.kept.from(recalled.from, recalled.after);
      for (const kept of page) {
        const [result] = await Promise.allSettled([this.#sendKept(stream, kept)]);
        if (result.status === 'rejected') return result;
        // Unless audit has asked again, for everything.
        if (this.#recalled === recalled) this.#recalled = recalled = { from: recalled.from, after: kept };
      }
      if (page.length === 0 && this.#recalled === recalled) this.#recalled = undefined;
    }
    return undefined;
  }

  async #sendKept(stream: JetStreamClient, { firstIndex, events, salts, known }: KeptEvents): Promise<void> {
    const first = events[0]?.sequence ?? 0n;
    for (const batch of packEvents(events, { bytes: this.#sizeLimit() * RECALLED_SHARE }))
      await publishRecalled(stream, this.options.source, batch, {
        index: firstIndex + batch.first - first,
        salts,
        known,
      });
  }

  #takePlaces(text: string): void {
    const recall = parseRecall(text);
    if (recall?.source === this.options.source) {
      // Kept until then, it would be sent once this replica relays: weeks later, before anything new.
      if (this.#leading) this.#recalled = { from: BigInt(recall.recall) };
      this.#wake();
      return;
    }
    const placement = parsePlacement(text);
    if (placement?.source !== this.options.source) return;
    this.#placing = true;
    if (this.#leading && this.#places.length < PLACE_LIMIT) this.#places.push(...placement.places);
  }

  #failed(error: unknown): void {
    const reason = outboxReasonOf(error);
    if (reason !== this.#lastError && !this.#stopped.signal.aborted) {
      this.options.logger.warn({ reason }, 'audit events wait in the outbox');
    }
    this.#lastError = reason;
  }

  /** Waits for so many intervals, unless something was recorded since the last check. */
  async #idle(intervals: number): Promise<void> {
    if (this.#woken || this.#stopped.signal.aborted) return;
    const ms = intervals * (this.options.pollIntervalMs ?? 100);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms * (0.75 + Math.random() / 2));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms * (0.75 + Math.random() / 2), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/**
 * Starts the relay of a service's outbox. It never throws: while NATS or the database is unavailable it waits, and no event is lost. One of several
 * replicas on one database relays at a time (PostgreSQL advisory lock).
 */
export function startRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}
