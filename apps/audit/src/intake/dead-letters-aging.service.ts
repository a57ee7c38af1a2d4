import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CLOCK, LOGGER } from '@countersign/service-host';
import { type Logger } from 'pino';
import { DeadLetterStore } from './dead-letters.store.js';

export const DEAD_LETTERS_OPTIONS = Symbol('countersign.audit.dead-letters-options');
export interface DeadLettersOptions {
  /** Days after which the content of a dead letter is erased. */
  readonly days: number;
}

const LOOK_EVERY_MS = 600_000;
const DAY_MS = 86_400_000;

/** Erases what is in dead letters once they are old, and masks those from before there was masking. Replicas may do it at once. */
@Injectable()
export class DeadLettersAgingService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DEAD_LETTERS_OPTIONS) private readonly options: DeadLettersOptions,
    @Inject(DeadLetterStore) private readonly store: DeadLetterStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async age(): Promise<void> {
    while (!this.#stopped.signal.aborted && (await this.store.maskOlder()) > 0);
    await this.store.eraseOlderThan(new Date(this.clock().getTime() - this.options.days * DAY_MS));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.age().catch((error: unknown) => {
        this.logger.warn({ err: error }, 'aging of dead letters failed; retrying in the next round');
      });
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
