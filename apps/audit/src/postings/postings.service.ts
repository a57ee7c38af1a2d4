import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Background, METRICS } from '@countersign/service-host';
import { Counter, type Registry } from 'prom-client';
import { IntakeLoad } from '../intake/intake-load.service.js';
import { PostingsStore } from './postings.store.js';

const CHECK_EVERY_MS = 500;

/** Keeps the search index close behind the log. Only one replica indexes at a time; a search never waits for it. */
@Injectable()
export class PostingsService {
  readonly #steps: Counter;

  constructor(
    @Inject(PostingsStore) private readonly store: PostingsStore,
    @Inject(IntakeLoad) private readonly load: IntakeLoad,
    @Inject(METRICS) metrics: Registry,
    @Inject(Background) background: Background,
  ) {
    this.#steps = new Counter({
      name: 'audit_events_indexed_total',
      help: 'Audit events that this replica has added to the search index.',
      registers: [metrics],
    });
    background.repeat({ name: 'search_index', everyMs: CHECK_EVERY_MS, run: (signal) => this.#advance(signal) });
  }

  async #advance(signal: AbortSignal): Promise<'again' | undefined> {
    const startedAt = performance.now();
    // While intake is behind, the index lets it go first, until a whole segment is waiting.
    const moved = await this.store.advance(this.load.behind() ? this.store.layout.segmentSize : 0);
    if (moved === 0) return undefined;
    this.#steps.inc(moved);
    // Intake comes first: the index takes half of the time, and more only when it is far behind.
    const share = moved >= this.store.layout.segmentSize ? 4 : 1;
    await delay((performance.now() - startedAt) / share, undefined, { signal }).catch(() => undefined);
    return 'again';
  }
}
