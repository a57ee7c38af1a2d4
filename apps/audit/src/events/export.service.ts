import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, Problem } from '@countersign/service-host';
import { type Logger } from 'pino';
import { LogStore, type SignedCheckpoint } from '../log/log.store.js';
import { exportFormats, type EventExport } from './event-export.js';
import { type EventQuery } from './event-filter.js';
import { EventsStore } from './events.store.js';
import { Looks, type Looker } from './looks.js';
import { visibilityOf } from './visibility.js';

/** Exports that one process streams at once. */
export const EXPORT_LIMIT = 4;
/** Milliseconds that one export may take; then it ends and says where to go on. */
const EXPORT_TIME_MS = 15 * 60_000;
/** Events that are read at once, and held in memory. */
const PAGE = 200;

/** Streams events, a page at a time, as fast as they are taken. Begin and end are in the trail. */
@Injectable()
export class ExportService {
  #running = 0;

  constructor(
    @Inject(EventsStore) private readonly events: EventsStore,
    @Inject(LogStore) private readonly log: LogStore,
    @Inject(Looks) private readonly looks: Looks,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Begins an export of what the log has now, under its newest checkpoint.
   * @returns its text, piece by piece; end it early by `return()`
   * @throws {Problem} 429 `EXPORTS_BUSY`
   */
  async begin(wanted: EventExport, looker: Looker): Promise<AsyncGenerator<string>> {
    if (this.#running >= EXPORT_LIMIT) {
      throw new Problem(429, 'EXPORTS_BUSY', 'Too many exports are under way here.', { retry_after: 10 });
    }
    const stream = this.#stream(wanted, looker);
    await stream.next();
    return stream;
  }

  /** The first step begins it and yields nothing to send. */
  async *#stream(wanted: EventExport, looker: Looker): AsyncGenerator<string> {
    this.#running += 1;
    try {
      const checkpoint = await this.log.checkpoint();
      const below = checkpoint === undefined ? await this.events.size() : BigInt(checkpoint.treeSize);
      const changes = { export: wanted, below: below.toString() };
      await this.looks.record({ done: 'events.exported', resource: 'events', changes }, looker);
      yield* this.#lines(wanted, below, checkpoint, looker);
    } finally {
      this.#running -= 1;
    }
  }

  async *#lines(
    wanted: EventExport,
    below: bigint,
    checkpoint: SignedCheckpoint | undefined,
    looker: Looker,
  ): AsyncGenerator<string> {
    const { format: name, limit = Infinity, cursor, ...filter } = wanted;
    const format = exportFormats[name];
    const query: EventQuery = { filter, visibility: visibilityOf(looker.caller) };
    const deadline = performance.now() + EXPORT_TIME_MS;
    let events = 0;
    let after = cursor === undefined ? undefined : BigInt(cursor);
    let complete = false;
    let outcome: 'allowed' | 'failed' | undefined = 'failed';
    const end = (): Promise<void> => {
      const changes = { export: wanted, shown: events, complete };
      return this.looks.record(
        { done: 'events.export_ended', resource: 'events', changes, outcome: outcome ?? 'allowed' },
        looker,
      );
    };
    try {
      yield '';
      if (format.head !== '') yield format.head;
      while (!complete && events < limit && performance.now() < deadline) {
        const page = Math.min(PAGE, limit - events);
        const { rows, next } = await this.events.find(query, { direction: 'oldest-first', after, below, limit: page });
        after = next ?? rows.at(-1)?.logIndex ?? after;
        complete = next === null;
        events += rows.length;
        if (rows.length > 0) yield rows.map((row) => format.line(row, checkpoint)).join('');
      }
      outcome = 'allowed';
      await end();
      outcome = undefined;
      yield format.tail({
        end: {
          events,
          complete,
          next_cursor: complete ? null : (after?.toString() ?? null),
          checkpoint: checkpoint?.note ?? null,
        },
      });
    } finally {
      if (outcome !== undefined) {
        await end().catch((error: unknown) => {
          this.logger.error({ err: error }, 'the end of an export could not be recorded');
        });
      }
    }
  }
}
