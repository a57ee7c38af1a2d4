import { BoundedMap } from '../bounded-map.js';

/** Maximum characters of a `kid` that may cause a fetch. */
const KEY_ID_LIMIT = 200;
const PENALISED_LIMIT = 1_000;
/** Cool-downs during which a `kid` that a fetch did not find causes no other fetch. */
const PENALTY_COOLDOWNS = 30;

/**
 * Decides whether an unknown `kid` is worth a fetch: at most one per cool-down, and none for many cool-downs for a `kid` that was just not found, so
 * that repeating a made-up one cannot use up every fetch. Bounded.
 */
export class UnknownKeys {
  readonly #penalised = new BoundedMap<string, number>(PENALISED_LIMIT);
  #lastAt = -Infinity;

  /** @param cooldownSeconds seconds in which at most one fetch is made */
  constructor(private readonly cooldownSeconds: number) {}

  /**
   * @param keyId undefined when the key is not known
   * @param now milliseconds of a monotonic clock
   */
  mayFetch(keyId: string | undefined, now: number): boolean {
    if (now - this.#lastAt < this.cooldownSeconds * 1_000) return false;
    if (keyId !== undefined && (keyId.length > KEY_ID_LIMIT || (this.#penalised.get(keyId) ?? 0) > now)) return false;
    this.#lastAt = now;
    return true;
  }

  /** Notes that a fetch for a `kid` did not find it. @param now milliseconds of a monotonic clock */
  penalise(keyId: string, now: number): void {
    this.#penalised.set(keyId, now + PENALTY_COOLDOWNS * this.cooldownSeconds * 1_000);
  }
}
