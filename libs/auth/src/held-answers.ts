/** Refusals of one key that are answered at once within a second: a caller that meets its limit and waits never has as many. */
export const PROMPT_REFUSALS = 50;
/** Milliseconds for which a further one waits for its answer. */
export const HELD_MS = 500;
/** Maximum answers of one key that wait at the same time; a further one is given at once. */
export const HELD_OF_A_KEY = 400;
/** Maximum answers of all keys that wait at the same time, some 20 MB. */
export const HELD_LIMIT = 2_000;
/** Keys that are watched at once: more than answers may wait, so that one without any can always be forgotten. */
const KEYS_LIMIT = 2 * HELD_LIMIT;
const WINDOW_MS = 1_000;

interface Watched {
  endsAt: number;
  refused: number;
  held: number;
}

/**
 * Slows a caller that keeps sending after its limit: it waits for each refusal, so that it asks seldom, however often it would. What waits is
 * bounded, and no request of another key waits for it, on this connection or another: HTTP/1.1 brings the next only after the answer.
 */
export class HeldAnswers {
  readonly #keys = new Map<string, Watched>();
  #held = 0;

  /** @param monotonic milliseconds of a clock that is never set back */
  constructor(private readonly monotonic: () => number) {}

  /** Answers that wait now. */
  get size(): number {
    return this.#held;
  }

  /**
   * Counts a refusal.
   * @param id of the key
   * @returns whether its answer waits for {@link HELD_MS}; then {@link release} follows
   */
  holds(id: string): boolean {
    const key = this.#watched(id);
    key.refused += 1;
    if (key.refused <= PROMPT_REFUSALS || key.held >= HELD_OF_A_KEY || this.#held >= HELD_LIMIT) return false;
    key.held += 1;
    this.#held += 1;
    return true;
  }

  /** To be called for each that was held. */
  release(id: string): void {
    this.#held -= 1;
    const key = this.#keys.get(id);
    if (key !== undefined) key.held -= 1;
  }

  #watched(id: string): Watched {
    const now = this.monotonic();
    const known = this.#keys.get(id);
    if (known === undefined) {
      this.#forgetOne();
      const watched = { endsAt: now + WINDOW_MS, refused: 0, held: 0 };
      this.#keys.set(id, watched);
      return watched;
    }
    if (known.endsAt <= now) {
      known.endsAt = now + WINDOW_MS;
      known.refused = 0;
    }
    return known;
  }

  /** The first of which nothing waits. */
  #forgetOne(): void {
    if (this.#keys.size < KEYS_LIMIT) return;
    for (const [id, { held }] of this.#keys) {
      if (held > 0) continue;
      this.#keys.delete(id);
      return;
    }
  }
}
