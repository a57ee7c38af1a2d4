import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '../stack-error.js';
import { type Happening } from './happening.js';
import { historyOf, type HistoryOptions } from './month.js';
import { type LostNumbers, type Outboxes } from './outboxes.js';

export interface Progress {
  readonly recorded: number;
  /** How many of them are not in the trail yet. */
  readonly waiting: number;
  readonly perSecond: number;
  /** The end of the history. */
  readonly reached: Date | undefined;
}

export interface Filled {
  readonly events: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly lost: readonly LostNumbers[];
}

/** Events that may wait in the outboxes before more are recorded: the relays are kept busy, and the stream is never full. */
const WAITING_LIMIT = 8_000;
/** Events that are recorded between two checks of the outboxes. */
const STEP = 4_000;
const PROGRESS_EVERY_MS = 2_000;
/** Milliseconds without a single event leaving an outbox after which something is wrong. */
const STALLED_MS = 120_000;

/** Carries a history into the trail: through the outboxes of the services, their relays, NATS and audit's intake. */
export class Filling {
  #recorded = 0;
  #waiting = 0;
  #reached: Date | undefined;
  #shownAt = -Infinity;
  #begun = 0;
  #best = { waiting: Number.POSITIVE_INFINITY, at: 0 };

  constructor(
    private readonly outboxes: Outboxes,
    private readonly show: (progress: Progress) => void,
  ) {}

  /** @throws {StackError} when the trail has stopped accepting events */
  async run(options: HistoryOptions): Promise<Filled> {
    this.#begun = performance.now();
    const lost: LostNumbers[] = [];
    let step: Happening[] = [];
    let misfits = 0;
    const record = async (): Promise<void> => {
      lost.push(...(await this.outboxes.record(step)));
      this.#recorded += step.filter(({ kind }) => kind !== 'lost').length;
      misfits += step.filter(({ kind }) => kind === 'misfit').length;
      const last = step.at(-1);
      if (last !== undefined) this.#reached = new Date(last.at);
      step = [];
      this.#best = { waiting: Number.POSITIVE_INFINITY, at: performance.now() };
    };
    for (const hour of historyOf(options)) {
      for (let at = 0; at < hour.length; at += STEP) {
        step.push(...hour.slice(at, at + STEP));
        if (step.length < STEP) continue;
        await record();
        await this.#settle(WAITING_LIMIT);
      }
    }
    await record();
    // A dead letter gets no place in the log; its service keeps it two minutes longer.
    await this.#settle(misfits);
    const seconds = (performance.now() - this.#begun) / 1_000;
    return { events: this.#recorded, seconds, perSecond: Math.round(this.#recorded / seconds), lost };
  }

  async #settle(limit: number): Promise<void> {
    for (;;) {
      this.#waiting = await this.outboxes.waiting();
      const now = performance.now();
      if (this.#waiting < this.#best.waiting) this.#best = { waiting: this.#waiting, at: now };
      if (now - this.#shownAt > PROGRESS_EVERY_MS) {
        this.#shownAt = now;
        const taken = this.#recorded - this.#waiting;
        const perSecond = Math.round(taken / ((now - this.#begun) / 1_000));
        this.show({ recorded: this.#recorded, waiting: this.#waiting, perSecond, reached: this.#reached });
      }
      if (this.#waiting <= limit) return;
      if (now - this.#best.at > STALLED_MS) {
        throw new StackError(
          `The trail has stopped accepting events; ${String(this.#waiting)} are waiting. Check audit's /health/ready and its log.`,
        );
      }
      await delay(25);
    }
  }
}
