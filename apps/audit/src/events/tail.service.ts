import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { type TokenVerifier } from '@countersign/auth-core';
import { LOGGER, Problem } from '@countersign/service-host';
import { type Logger } from 'pino';
import { type EventQuery } from './event-filter.js';
import { EventsStore } from './events.store.js';
import { LogGrowth } from './log-growth.js';
import { Looks, type Looker } from './looks.js';
import { endOf, heartbeat, messageOf, type EventTail, type TailEnd } from './tail.js';
import { visibilityOf } from './visibility.js';

/** Tails that one process serves at once. */
export const TAIL_LIMIT = 64;
const HEARTBEAT_MS = 10_000;
/** Events that are read at once, and held in memory for a reader. */
const PAGE = 100;

/** Events as they come. A reader that is slow gets them later; none is left out. Begin and end are in the trail. */
@Injectable()
export class TailService implements BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #running = 0;

  constructor(
    @Inject(EventsStore) private readonly events: EventsStore,
    @Inject(LogGrowth) private readonly growth: LogGrowth,
    @Inject(Looks) private readonly looks: Looks,
    @Inject(TOKEN_VERIFIER) private readonly verifier: TokenVerifier,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  beforeApplicationShutdown(): void {
    this.#stopped.abort();
  }

  /**
   * @param token the caller's, looked at again and again: when it expires or is revoked, the tail ends
   * @returns server-sent events; end it early by `return()`
   * @throws {Problem} 429 `TAILS_BUSY`
   */
  async begin(tail: EventTail, token: string, looker: Looker): Promise<AsyncGenerator<string>> {
    if (this.#running >= TAIL_LIMIT) {
      throw new Problem(429, 'TAILS_BUSY', 'Too many readers are listening here.', { retry_after: 10 });
    }
    const stream = this.#stream(tail, token, looker);
    await stream.next();
    return stream;
  }

  /** The first step begins it and yields nothing to send. */
  async *#stream(tail: EventTail, token: string, looker: Looker): AsyncGenerator<string> {
    this.#running += 1;
    let shown = 0;
    let begun = false;
    try {
      const { cursor, ...filter } = tail;
      const query: EventQuery = { filter, visibility: visibilityOf(looker.caller) };
      let through = cursor === undefined ? await this.events.size() : BigInt(cursor) + 1n;
      await this.looks.record({ done: 'events.tailed', resource: 'events', changes: { tail } }, looker);
      begun = true;
      yield '';
      yield heartbeat;
      for (;;) {
        const end = this.#endOf(token, looker);
        if (end !== undefined) {
          yield endOf(end);
          return;
        }
        const size = await this.growth.beyond(through, this.#patience(looker), this.#stopped.signal);
        if (size <= through) {
          yield heartbeat;
          continue;
        }
        const after = through === 0n ? undefined : through - 1n;
        const { rows, next } = await this.events.find(query, {
          direction: 'oldest-first',
          after,
          below: size,
          limit: PAGE,
        });
        through = next === null ? size : next + 1n;
        shown += rows.length;
        if (rows.length > 0) yield rows.map(messageOf).join('');
      }
    } finally {
      this.#running -= 1;
      if (begun) {
        const ended = { done: 'events.tail_ended', resource: 'events', changes: { tail, shown } };
        await this.looks.record(ended, looker).catch((error: unknown) => {
          this.logger.error({ err: error }, 'the end of a tail could not be recorded');
        });
      }
    }
  }

  #patience({ caller }: Looker): number {
    return Math.max(1, Math.min(HEARTBEAT_MS, caller.expiresAt * 1_000 - Date.now()));
  }

  #endOf(token: string, { caller }: Looker): TailEnd | undefined {
    if (this.#stopped.signal.aborted) return 'SHUTTING_DOWN';
    if (Date.now() >= caller.expiresAt * 1_000) return 'TOKEN_ENDED';
    // A bound token cannot be looked at again without a fresh proof; it ends with its life.
    if (caller.confirmation !== undefined) return undefined;
    try {
      this.verifier.verify(token);
      return undefined;
    } catch {
      return 'TOKEN_ENDED';
    }
  }
}
