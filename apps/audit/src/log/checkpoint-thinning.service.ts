import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CLOCK, HEALTH, LOGGER, type HealthRegistry } from '@countersign/service-host';
import { type Logger } from 'pino';
import { redundant, type CheckpointThinningOptions } from './checkpoint-thinning.js';
import { CheckpointThinningStore } from './checkpoint-thinning.store.js';

export { type CheckpointThinningOptions } from './checkpoint-thinning.js';
export const CHECKPOINT_THINNING_OPTIONS = Symbol('countersign.audit.checkpoint-thinning-options');

const LOOK_EVERY_MS = 600_000;
const PORTION = 5_000;
const HOUR_MS = 3_600_000;

/** Thins the signed checkpoints as they age; tiles stay, so a proof can be made for any size for ever. Replicas may do it at once. */
@Injectable()
export class CheckpointThinningService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #lastError: string | null = null;

  constructor(
    @Inject(CHECKPOINT_THINNING_OPTIONS) private readonly options: CheckpointThinningOptions,
    @Inject(CheckpointThinningStore) private readonly store: CheckpointThinningStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
  ) {
    health.addNote('checkpoint_thinning', () => ({ last_error: this.#lastError }));
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Removes all that may go by now. @returns how many */
  async thin(): Promise<number> {
    const now = this.clock();
    const old = new Date(now.getTime() - this.options.fullHours * HOUR_MS);
    let removed = 0;
    for (let from = 0; !this.#stopped.signal.aborted;) {
      const portion = await this.store.olderThan(old, from, PORTION);
      const sizes = redundant(portion, this.options, now);
      if (sizes.length > 0) await this.store.remove(sizes);
      removed += sizes.length;
      if (portion.length < PORTION) break;
      // The last one may share its hour with those that follow.
      from = portion.at(-1)?.treeSize ?? from;
    }
    return removed;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.thin();
        this.#lastError = null;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== this.#lastError)
          this.logger.warn({ reason }, 'old checkpoints could not be thinned; retrying later');
        this.#lastError = reason;
      }
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
