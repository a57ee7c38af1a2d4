import { setTimeout as delay } from 'node:timers/promises';
import { jittered } from '@countersign/auth-core';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';
import { BATCH_SIZE_LIMIT, packEvents, publishBatch, type EventBatch, type NumberedEvent } from './event-batch.js';
import { FromAudit } from './from-audit.js';
import { type KnownIndex } from './kept-events.store.js';
import { connectToNats, isConnected, type ConnectionLogger, type NatsOptions } from './nats-connection.js';
import { RecalledEvents } from './recalled-events.js';
import { lastIndexOf, type Place } from './receipts.js';
import { type AuditOutbox } from './outbox.store.js';
import { outboxReasonOf } from './outbox-tables.js';
import { RelayStore } from './relay.store.js';
import { ROUND } from './relay-statements.js';
import { reportSubject, writeReport, type SourceReport } from './source-report.js';

/** The outbox that is relayed, and the NATS server. */
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

/** Number of empty checks in a row after which checks become rarer, and the factor by which the interval grows. */
const QUIET_CHECKS = 50;
const QUIET_INTERVALS = 5;

/** Milliseconds that an event waits for its place although a receipt covers it: in that time it is published again, so that audit sends the place. */
const WAIT_FOR_PLACE_MS = 120_000;

/** Milliseconds between two checks while events arrive: under load events share a message, and the first one after a pause does not wait. */
export const RELAY_PACE_MS = 40;

/** Milliseconds for which a stopping relay waits for acknowledgements of what it has published. */
const ANSWERS_AT_STOP_MS = 250;

/** Maximum bytes of a message's headers. */
const HEADER_ROOM = 1_024;

function highestOf(before: KnownIndex | undefined, place: Place): KnownIndex | undefined {
  const index = lastIndexOf(place);
  const { known } = place;
  if (index === undefined || known === undefined) return before;
  return before === undefined || index > before.index ? { index, known } : before;
}

class OutboxRelay implements Relay {
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #leading = false;
  readonly #fromAudit: FromAudit;
  readonly #recalled: RecalledEvents;
  /** The last receipt that was processed. */
  #released = 0n;
  #releasedAt = 0;
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

  constructor(private readonly options: RelayOptions) {
    const { source, logger } = options;
    this.#recalled = new RecalledEvents({
      source,
      sizeLimit: () => this.#sizeLimit(),
      signal: this.#stopped.signal,
    });
    this.#fromAudit = new FromAudit({
      source,
      logger,
      isLeading: () => this.#leading,
      onRecall: (from) => {
        // Kept until then, it would be sent once this replica relays: weeks later, before anything new.
        if (this.#leading) this.#recalled.ask(from);
        this.#wake();
      },
    });
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
      lastError: this.#lastError ?? this.#fromAudit.fault,
    };
  }

  report(report: Omit<SourceReport, 'source' | 'known'>): void {
    const { source } = this.options;
    const known = this.#known?.known;
    const written = writeReport({ ...report, source, ...(known === undefined ? {} : { known }) });
    // The client would keep it and send it later, when it is out of date.
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
    this.#fromAudit.listen(this.#connection);
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
    if (!waiting.any && !this.#fromAudit.hasPlaces) return this.#rest(store, stream, now);
    let due: readonly NumberedEvent[] = [];
    if (this.#behind || now - this.#checkedDueAt >= CHECK_DUE_EVERY_MS) {
      due = await store.due(this.options.republishAfterMs ?? 30_000, this.#fromAudit.through);
      this.#checkedDueAt = now;
    }
    const events = due.length < ROUND && waiting.unnumbered ? [...due, ...(await store.number())] : due;
    // First, so that events reach the trail whatever prevents the rest.
    const refusal = await this.#publish(store, stream, packEvents(events, { bytes: this.#sizeLimit() }));
    this.#behind = refusal !== undefined || due.length >= ROUND;
    await this.#release(store, now);
    const failure = refusal ?? (await this.#recalled.send(store.kept, stream));
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

  /** The work left while nothing waits. */
  async #rest(store: RelayStore, stream: JetStreamClient, now: number): Promise<0> {
    this.#behind = false;
    this.#pending = 0;
    this.#countedAt = now;
    await this.#forget(store, now);
    const failure = await this.#recalled.send(store.kept, stream);
    if (failure === undefined) this.#lastError = null;
    else await this.#refused(failure);
    return 0;
  }

  /** Removes what the log has; many receipts cost one statement. */
  async #release(store: RelayStore, now: number): Promise<void> {
    if (now - this.#releasedAt < RELEASE_EVERY_MS) return;
    const { through } = this.#fromAudit;
    const places = this.#fromAudit.takePlaces();
    if (places.length > 0) {
      await store.place(places);
      this.#known = places.reduce(highestOf, this.#known);
    }
    if (this.#fromAudit.sendsPlaces) {
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
        publishBatch(stream, this.options.source, batch, this.#known?.known, batch.last <= this.#fromAudit.through),
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

  #failed(error: unknown): void {
    const reason = outboxReasonOf(error);
    if (reason !== this.#lastError && !this.#stopped.signal.aborted) {
      this.options.logger.warn({ reason }, 'audit events wait in the outbox');
    }
    this.#lastError = reason;
  }

  /** Waits for the given number of intervals, unless something was recorded since the last check. */
  async #idle(intervals: number): Promise<void> {
    if (this.#woken || this.#stopped.signal.aborted) return;
    const ms = intervals * (this.options.pollIntervalMs ?? 100);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, jittered(ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  async #pause(ms: number): Promise<void> {
    await delay(jittered(ms), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/**
 * Starts the relay of a service's outbox. It never throws: while NATS or the database is unavailable it waits, and no event is lost. One of several
 * replicas on one database relays at a time (PostgreSQL advisory lock).
 */
export function startRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}
