import { Injectable } from '@nestjs/common';

/** Milliseconds after which a full transaction no longer means that more is waiting. */
const RECENT_MS = 250;

/** Whether intake has a backlog of more than one transaction; work that can wait then leaves the database to it. */
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
