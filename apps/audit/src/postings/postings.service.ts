import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HEALTH, LOGGER, METRICS, type HealthRegistry } from '@countersign/service-host';
import { type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { IntakeLoad } from '../intake/intake-load.js';
import { PostingsStore } from './postings.store.js';

const LOOK_EVERY_MS = 500;

/** Keeps the search index close behind the log. Of several replicas one indexes at a time; a search never waits for it. */
@Injectable()
export class PostingsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #steps: Counter;
  #running: Promise<void> = Promise.resolve();
  #lastError: string | null = null;

  constructor(
    @Inject(PostingsStore) private readonly store: PostingsStore,
    @Inject(IntakeLoad) private readonly load: IntakeLoad,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#steps = new Counter({
      name: 'audit_events_indexed_total',
      help: 'Audit events that this replica has added to the search index.',
      registers: [metrics],
    });
    health.addNote('search_index', () => ({ last_error: this.#lastError }));
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const begun = performance.now();
      const moved = await this.#advance();
      // Intake comes first: the index takes half of the time, and more only when it is far behind.
      const share = moved >= this.store.layout.segmentSize ? 4 : 1;
      const rest = moved > 0 ? (performance.now() - begun) / share : LOOK_EVERY_MS;
      await delay(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  async #advance(): Promise<number> {
    try {
      // While intake is behind, the index lets it go first, until a whole segment waits.
      const moved = await this.store.advance(this.load.behind() ? this.store.layout.segmentSize : 0);
      this.#steps.inc(moved);
      this.#lastError = null;
      return moved;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#lastError)
        this.logger.warn({ reason }, 'the search index is paused; searches read the log itself');
      this.#lastError = reason;
      return 0;
    }
  }
}
