import { BoundedMap } from '@countersign/auth-core';

/** Refusals of one key in a second that are answered immediately: a caller that waits after reaching its limit never has as many. */
export const PROMPT_REFUSALS = 50;
/** Milliseconds: the time in which refusals are counted, and without a refusal after which a key no longer counts as flooding. */
const WINDOW_MS = 1_000;

interface Watched {
  countedSince: number;
  refused: number;
  lastAt: number;
  isFlooding: boolean;
}

/** Knows which keys keep sending after reaching their limit. */
export class FloodingKeys {
  readonly #keys: BoundedMap<string, Watched>;

  /**
   * @param limit maximum keys watched; the one refused least recently is evicted for a new one
   * @param monotonic milliseconds of a monotonic clock
   */
  constructor(
    limit: number,
    private readonly monotonic: () => number,
  ) {
    this.#keys = new BoundedMap(limit);
  }

  /**
   * Counts a refusal.
   * @param id of the key
   * @returns whether the key is flooding: it had more than {@link PROMPT_REFUSALS} in a second, and has not paused for a second since
   */
  refused(id: string): boolean {
    const now = this.monotonic();
    const key = this.#keys.get(id) ?? { countedSince: now, refused: 0, lastAt: now, isFlooding: false };
    this.#keys.set(id, key);
    if (now - key.lastAt >= WINDOW_MS) key.isFlooding = false;
    if (now - key.countedSince >= WINDOW_MS) {
      key.countedSince = now;
      key.refused = 0;
    }
    key.refused += 1;
    key.lastAt = now;
    if (key.refused > PROMPT_REFUSALS) key.isFlooding = true;
    return key.isFlooding;
  }
}
