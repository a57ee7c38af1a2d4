import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationShutdown } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, LOGGER, Problem, type Caller } from '@countersign/service-host';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { type EventQuery } from './event-filter.js';
import { EventsStore } from './events.store.js';
import { LogStore } from '../log/log.store.js';
import { LogGrowth } from './log-growth.service.js';
import { OpenStreams } from './open-streams.js';
import { ReaderPlaces } from './reader-places.js';
import { endOf, faultOf, heartbeat, messageOf, sealedOf, type EventTail, type TailEnd } from './tail.js';
import { TokenWatch } from './token-watch.service.js';
import { readingScopeOf, visibilityOf } from './visibility.js';

/** Maximum concurrent tails of one process. */
export const TAIL_PLACES = { total: 64, reserved: 16, perClient: 8 };
/** Milliseconds for which a reader may read nothing before its tail ends and its slot is freed. */
const STALL_MS = 30_000;
/** Milliseconds between two checks of the token while nothing arrives. */
const CHECK_EVERY_MS = 1_000;
const HEARTBEAT_MS = 10_000;
/** Events read per page, and held in memory for a reader. */
const PAGE = 100;

/** Events as they arrive. A slow reader gets them later; none are skipped, except those it reports as sealed by retention. Start and end are recorded. */
@Injectable()
export class TailService implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #streams = new OpenStreams();
  readonly #places = new ReaderPlaces(TAIL_PLACES);

  constructor(
    @Inject(EventsStore) private readonly store: EventsStore,
    @Inject(LogStore) private readonly log: LogStore,
    @Inject(LogGrowth) private readonly growth: LogGrowth,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(TokenWatch) private readonly tokens: TokenWatch,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  beforeApplicationShutdown(): void {
    this.#stopped.abort();
  }

  /** The database is still open. */
  onApplicationShutdown(): Promise<void> {
    return this.#streams.end();
  }

  /**
   * @param caller whose token is checked repeatedly: when it expires or is revoked, the tail ends
   * @returns server-sent events; end it early by `return()`
   * @throws {Problem} 429 `TAILS_BUSY`, `CLIENT_TAILS_BUSY`
   */
  async begin(tail: EventTail, caller: Caller): Promise<AsyncGenerator<string>> {
    const release = this.#places.take(caller.principal);
    if (release === 'busy') {
      throw new Problem(429, 'TAILS_BUSY', 'Too many readers are connected to this server; retry later.', {
        retry_after: 10,
      });
    }
    if (release === 'client-busy') {
      const detail = `Your client has ${String(TAIL_PLACES.perClient)} readers connected to this server; close one of them.`;
      throw new Problem(429, 'CLIENT_TAILS_BUSY', detail, { retry_after: 10 });
    }
    const stream = this.#streams.follow(this.#stream(tail, caller, release), STALL_MS);
    await stream.next();
    return stream;
  }

  /** The first step starts it and yields nothing to send. */
  async *#stream(tail: EventTail, caller: Caller, release: () => void): AsyncGenerator<string> {
    let shown = 0;
    let begun = false;
    try {
      const { cursor, ...filter } = tail;
      const query: EventQuery = { filter, visibility: visibilityOf(caller.principal) };
      const begin = await this.store.size();
      let through = cursor === undefined ? begin : BigInt(cursor) + 1n;
      const about = { id: EVERY, action: readingScopeOf(caller.principal) };
      await this.outbox.recordDurably(events.event('events.tailed', by(caller), { ...about, changes: { tail } }));
      begun = true;
      yield '';
      if (through > begin) {
        yield faultOf('CURSOR_BEYOND_END', `The log has no index ${cursor ?? ''} yet; start without Last-Event-ID.`);
        return;
      }
      yield heartbeat;
      let beatAt = performance.now();
      for (;;) {
        const size = await this.growth.beyond(through, CHECK_EVERY_MS, this.#stopped.signal);
        if (size <= through) {
          const end = this.#endOf(caller.token);
          if (end !== undefined) {
            yield endOf(end);
            return;
          }
          if (performance.now() - beatAt < HEARTBEAT_MS) continue;
          beatAt = performance.now();
          yield heartbeat;
          continue;
        }
        const after = through === 0n ? undefined : through - 1n;
        const { rows, next } = await this.store.find(query, {
          direction: 'oldest-first',
          after,
          below: size,
          limit: PAGE,
        });
        // Only now is it certain that the token was valid when the events were read.
        const end = this.#endOf(caller.token);
        if (end !== undefined) {
          yield endOf(end);
          return;
        }
        // Without a filter the first event shows whether earlier ones are gone; with one, a missing row leaves no trace.
        const sealed = rows[0]?.logIndex === through ? through : BigInt((await this.log.head()).minimumIndex);
        if (sealed > through) {
          yield sealedOf(through, sealed - 1n);
          through = sealed;
          continue;
        }
        through = next === null ? size : next + 1n;
        shown += rows.length;
        if (rows.length > 0) yield rows.map(messageOf).join('');
      }
    } finally {
      release();
      if (begun) {
        const ended = { id: EVERY, action: readingScopeOf(caller.principal), changes: { tail, shown } };
        await this.outbox
          .recordDurably(events.event('events.tail_ended', by(caller), ended))
          .catch((error: unknown) => {
            this.logger.error({ err: error }, 'the end of a tail could not be recorded');
          });
      }
    }
  }

  #endOf(token: string): TailEnd | undefined {
    if (this.#stopped.signal.aborted) return 'SHUTTING_DOWN';
    return this.tokens.isGood(token) ? undefined : 'TOKEN_ENDED';
  }
}
