/** Minimum milliseconds for which an answer is held. */
export const HELD_MS = 500;
/** Minimum milliseconds between two held answers, of all keys together: at most 500 a second. */
export const PACE_MS = 2;
/** Maximum held answers of one key. */
export const HELD_OF_A_KEY = 1_000;
/** Maximum held answers of all keys, some 40 MB; the last of them waits 8 seconds. */
export const HELD_LIMIT = 4_000;
/** Maximum answers in one turn of the event loop, also after it was late: another request waits for no more than these. */
const AT_ONCE = 2;

interface Held {
  readonly id: string;
  readonly dueAt: number;
  answer(): void;
}

/** A clock with timers. */
export interface Clockwork {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Calls a function once, after at least that many milliseconds. */
  after(ms: number, run: () => void): void;
}

export const clockwork: Clockwork = {
  now: () => performance.now(),
  after: (ms, run) => {
    setTimeout(run, ms);
  },
};

/**
 * Holds the answers to callers that keep sending after reaching their limit, and sends them evenly: whatever arrives in one burst leaves, and so
 * comes again, one by one. They never add up to more than {@link PACE_MS} allows; a process that is late sends fewer.
 */
export class HeldAnswers {
  /** In the order in which they are due. */
  readonly #held = new Set<Held>();
  readonly #ofKey = new Map<string, number>();
  #lastDueAt = -Infinity;
  #isWaiting = false;
  #isClosed = false;

  constructor(private readonly clock: Clockwork) {}

  /** Number of held answers. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * Holds an answer.
   * @param id of the key
   * @param answer called once
   * @returns answers now, for a caller who has gone; undefined if there is no room: then nothing is held
   */
  hold(id: string, answer: () => void): (() => void) | undefined {
    const ofKey = this.#ofKey.get(id) ?? 0;
    if (this.#isClosed || ofKey >= HELD_OF_A_KEY || this.#held.size >= HELD_LIMIT) return undefined;
    const dueAt = (this.#lastDueAt = Math.max(this.clock.now() + HELD_MS, this.#lastDueAt + PACE_MS));
    const held = { id, dueAt, answer };
    this.#held.add(held);
    this.#ofKey.set(id, ofKey + 1);
    this.#wait();
    return () => {
      this.#release(held);
    };
  }

  /** Answers all now, and holds none afterwards. */
  close(): void {
    this.#isClosed = true;
    for (const held of this.#held) this.#release(held);
  }

  #wait(): void {
    const [next] = this.#held;
    if (next === undefined || this.#isWaiting) return;
    this.#isWaiting = true;
    this.clock.after(Math.max(1, next.dueAt - this.clock.now()), () => {
      this.#isWaiting = false;
      this.#answerDue();
      this.#wait();
    });
  }

  #answerDue(): void {
    const now = this.clock.now();
    let answered = 0;
    for (const held of this.#held) {
      if (held.dueAt > now || answered === AT_ONCE) return;
      answered += 1;
      this.#release(held);
    }
  }

  #release(held: Held): void {
    if (!this.#held.delete(held)) return;
    const left = (this.#ofKey.get(held.id) ?? 0) - 1;
    if (left > 0) this.#ofKey.set(held.id, left);
    else this.#ofKey.delete(held.id);
    held.answer();
  }
}
