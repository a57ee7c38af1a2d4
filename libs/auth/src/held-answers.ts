/** Refusals of one key per second that are answered immediately: a caller that waits after hitting its limit never has as many. */
export const PROMPT_REFUSALS = 50;
/** Milliseconds by which further answers are delayed. */
export const HELD_MS = 500;
/** Maximum delayed answers of one key; others are sent immediately. */
export const HELD_OF_A_KEY = 400;
/** Maximum delayed answers of all keys, some 20 MB. */
export const HELD_LIMIT = 2_000;
/** Maximum keys watched: more than the maximum of delayed answers, so that one without any can always be forgotten. */
const KEYS_LIMIT = 2 * HELD_LIMIT;
const WINDOW_MS = 1_000;

interface Watched {
  endsAt: number;
  refused: number;
  held: number;
}

/**
 * Slows a caller that keeps sending after reaching its limit: each refusal is delayed, so that it sends fewer requests. The number of delayed answers
 * is bounded, and requests of other keys are never delayed by it, even on the same connection: with HTTP/1.1 the next one comes only after the
 * answer.
 */
export class HeldAnswers {
  readonly #keys = new Map<string, Watched>();
  #held = 0;

  /** @param monotonic milliseconds of a monotonic clock */
  constructor(private readonly monotonic: () => number) {}

  /** Number of delayed answers. */
  get size(): number {
    return this.#held;
  }

  /**
   * Counts a refusal.
   * @param id of the key
   * @returns whether to delay its answer by {@link HELD_MS}; then call {@link release}
   */
  holds(id: string): boolean {
    const key = this.#watched(id);
    key.refused += 1;
    if (key.refused <= PROMPT_REFUSALS || key.held >= HELD_OF_A_KEY || this.#held >= HELD_LIMIT) return false;
    key.held += 1;
    this.#held += 1;
    return true;
  }

  /** Call this for each delayed answer. */
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

  /** The first without delayed answers. */
  #forgetOne(): void {
    if (this.#keys.size < KEYS_LIMIT) return;
    for (const [id, { held }] of this.#keys) {
      if (held > 0) continue;
      this.#keys.delete(id);
      return;
    }
  }
}
