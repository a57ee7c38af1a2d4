import { Injectable } from '@nestjs/common';

/** Milliseconds after which a full transaction no longer says that more waits. */
const RECENT_MS = 250;

/** Whether intake has more before it than one transaction takes; what can wait then leaves the database to it. */
@Injectable()
export class IntakeLoad {
  #filledAt = Number.NEGATIVE_INFINITY;

  /** A transaction was full. @param now milliseconds of a monotonic clock */
  filled(now = performance.now()): void {
    this.#filledAt = now;
  }

  behind(now = performance.now()): boolean {
    return now - this.#filledAt < RECENT_MS;
  }
}
