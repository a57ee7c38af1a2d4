import { Inject, Injectable } from '@nestjs/common';
import { Background, CLOCK } from '@countersign/service-host';
import { DeadLetterStore } from './dead-letters.store.js';

export const DEAD_LETTERS_OPTIONS = Symbol('countersign.audit.dead-letters-options');
export interface DeadLettersOptions {
  /** Days after which the content of a dead letter is erased. */
  readonly days: number;
}

const CHECK_EVERY_MS = 600_000;
const DAY_MS = 86_400_000;

/** Erases the content of old dead letters, and masks those from before masking existed. Several replicas may do this concurrently. */
@Injectable()
export class DeadLettersAgingService {
  constructor(
    @Inject(DEAD_LETTERS_OPTIONS) private readonly options: DeadLettersOptions,
    @Inject(DeadLetterStore) private readonly store: DeadLetterStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) background: Background,
  ) {
    background.repeat({ name: 'dead_letters_aging', everyMs: CHECK_EVERY_MS, run: (signal) => this.#age(signal) });
  }

  async #age(signal: AbortSignal): Promise<undefined> {
    while (!signal.aborted && (await this.store.maskOlder()) > 0);
    await this.store.eraseOlderThan(new Date(this.clock().getTime() - this.options.days * DAY_MS), signal);
  }
}
