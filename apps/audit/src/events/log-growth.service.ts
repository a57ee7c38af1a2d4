import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { EventsStore } from './events.store.js';

const CHECK_EVERY_MS = 200;

/** Notifies waiting readers that the log has grown: one query for all of them, and none while nobody waits. */
@Injectable()
export class LogGrowth {
  #looking: Promise<bigint> | undefined;

  constructor(@Inject(EventsStore) private readonly events: EventsStore) {}

  /** @returns the log's size, once it exceeds `size` or the time is up */
  async beyond(size: bigint, waitMs: number, signal: AbortSignal): Promise<bigint> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const now = await this.#check();
      if (now > size || performance.now() >= deadline || signal.aborted) return now;
      await delay(Math.min(CHECK_EVERY_MS, Math.max(1, deadline - performance.now())), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  #check(): Promise<bigint> {
    this.#looking ??= this.events.size().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }
}
