import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import type pg from 'pg';
import { type UnnumberedEvent } from './audit-event.js';
import { connectToNats, type ConnectionLogger, type NatsOptions } from './nats-connection.js';
import { parseReceipt, receiptSubject } from './receipts.js';
import { subjectOf } from './streams.js';

export interface RelayOptions {
  readonly pool: pg.Pool;
  readonly source: string;
  readonly nats: NatsOptions;
  readonly logger: ConnectionLogger;
  /** Milliseconds between two looks into the outbox; 100 by default. */
  readonly pollIntervalMs?: number;
  /** Milliseconds after which a published event without a receipt is published again; 30,000 by default. */
  readonly republishAfterMs?: number;
}

export interface RelayState {
  readonly connected: boolean;
  /** Whether this process holds the database's relay lock; another replica may. */
  readonly leading: boolean;
  /** Events in the outbox, as last counted. */
  readonly pending: number;
  readonly lastPublishedAt: string | null;
  readonly lastError: string | null;
}

/** Carries the outbox to JetStream until receipts say that the log has it. */
export interface Relay {
  state(): RelayState;
  stop(): Promise<void>;
}

const BATCH = 500;
const COUNT_EVERY_MS = 2_000;
const lockName = 'countersign.audit-relay';

/** Gives the next numbers, gap-free, to events that have none; one statement, so all of it or nothing. */
const numberEvents = `
  with next as (
    select position, row_number() over (order by position) as rank, count(*) over () as total
    from (select position from audit_outbox where sequence is null order by position limit ${String(BATCH)}) as unnumbered
  ), counter as (
    insert into audit_sequence (source, last) select $1, max(total) from next having count(*) > 0
    on conflict (source) do update set last = audit_sequence.last + excluded.last
    returning last
  )
  update audit_outbox set sequence = counter.last - next.total + next.rank
  from next, counter where audit_outbox.position = next.position`;

const dueEvents = `
  select position, sequence, event from audit_outbox
  where sequence is not null and (published_at is null or published_at < now() - $1 * interval '1 millisecond')
  order by sequence limit ${String(BATCH)}`;

/**
 * A receipt beyond the last number that was given: the counter is older than the numbers that audit has seen (the database was restored from
 * a backup). What was numbered below is numbered anew, above all that audit knows.
 */
const renumberEvents = `
  with ahead as (
    insert into audit_sequence (source, last) values ($1, $2)
    on conflict (source) do update set last = excluded.last where audit_sequence.last < excluded.last
    returning source
  )
  update audit_outbox set sequence = null, published_at = null where sequence is not null and exists (select 1 from ahead)`;

/** Only what was published can be what the receipt speaks of. */
const releaseEvents = 'delete from audit_outbox where sequence <= $1 and published_at is not null';

interface DueRow {
  readonly position: string;
  readonly sequence: string;
  readonly event: UnnumberedEvent;
}

/** The client prepares errors for each request beforehand; their stacks, which nobody reads, would cost as much as publishing does. */
function withoutStacks<Result>(work: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class OutboxRelay implements Relay {
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #leading = false;
  /** The highest receipt, and the one that was last acted on. */
  #received = 0n;
  #released = 0n;
  #pending = 0;
  #countedAt = 0;
  #lastPublishedAt: Date | undefined;
  #lastError: string | null = null;

  constructor(private readonly options: RelayOptions) {
    this.#running = this.#run();
  }

  state(): RelayState {
    return {
      connected: this.#connection !== undefined && !this.#connection.isClosed(),
      leading: this.#leading,
      pending: this.#pending,
      lastPublishedAt: this.#lastPublishedAt?.toISOString() ?? null,
      lastError: this.#lastError,
    };
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
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
    try {
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock(hashtext($1)) as held', [
        lockName,
      ]);
      if (rows[0]?.held !== true) return;
      this.#leading = true;
      while (!this.#stopped.signal.aborted && broken === undefined) {
        const moved = await this.#move(client, stream);
        if (moved < BATCH) await this.#pause(this.options.pollIntervalMs ?? 100);
      }
      await client.query('select pg_advisory_unlock(hashtext($1))', [lockName]);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw broken;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  /** Numbers, publishes and marks one batch. @returns how many events it looked at */
  async #move(client: pg.PoolClient, stream: JetStreamClient): Promise<number> {
    await this.#release(client);
    await client.query(numberEvents, [this.options.source]);
    const { rows } = await client.query<DueRow>(dueEvents, [this.options.republishAfterMs ?? 30_000]);
    if (rows.length > 0) {
      const results = await Promise.allSettled(withoutStacks(() => rows.map((row) => this.#publish(stream, row))));
      const published = rows
        .filter((_, index) => results[index]?.status === 'fulfilled')
        .map(({ position }) => position);
      await client.query('update audit_outbox set published_at = now() where position = any($1::bigint[])', [
        published,
      ]);
      if (published.length > 0) this.#lastPublishedAt = new Date();
      const failure = results.find((result) => result.status === 'rejected');
      if (failure === undefined) this.#lastError = null;
      else {
        this.#failed(failure.reason);
        await this.#pause(500);
      }
    }
    if (Date.now() - this.#countedAt > COUNT_EVERY_MS) {
      const counted = await client.query<{ count: string }>('select count(*) from audit_outbox');
      this.#pending = Number(counted.rows[0]?.count ?? 0);
      this.#countedAt = Date.now();
    }
    return rows.length;
  }

  /** Lets go what the newest receipt covers; many receipts cost one statement. */
  async #release(client: pg.PoolClient): Promise<void> {
    const through = this.#received;
    if (through === this.#released) return;
    const { rowCount } = await client.query(renumberEvents, [this.options.source, through]);
    if ((rowCount ?? 0) === 0) await client.query(releaseEvents, [through]);
    this.#released = through;
  }

  async #publish(stream: JetStreamClient, { sequence, event }: DueRow): Promise<void> {
    await stream.publish(subjectOf(event), JSON.stringify({ ...event, sequence }), {
      // The number is part of it: what is numbered anew is no duplicate.
      msgID: `${event.id}.${sequence}`,
    });
  }

  #takeReceipts(connection: NatsConnection): void {
    connection.subscribe(receiptSubject(this.options.source), {
      callback: (error, message) => {
        if (error !== null) {
          this.#failed(error);
          return;
        }
        const receipt = parseReceipt(message.string());
        if (receipt?.source !== this.options.source) return;
        const through = BigInt(receipt.through);
        if (through > this.#received) this.#received = through;
      },
    });
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.#lastError && !this.#stopped.signal.aborted) {
      this.options.logger.warn({ reason }, 'audit events wait in the outbox');
    }
    this.#lastError = reason;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms * (0.75 + Math.random() / 2), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/**
 * Starts the relay of a service's outbox. It never throws: while NATS or the database is away it waits, and events stay.
 * Of several replicas on one database one relays at a time (PostgreSQL advisory lock).
 */
export function startRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}
