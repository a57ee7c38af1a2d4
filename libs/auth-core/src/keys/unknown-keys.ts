/** Characters of a `kid` for which a fetch may be made. */
export const KEY_ID_LIMIT = 200;
const PENALISED_LIMIT = 1_000;
/** Cool-downs for which a `kid` that a fetch did not bring causes no other. */
const PENALTY_COOLDOWNS = 30;

/**
 * Decides whether an unknown `kid` is worth a fetch: one in a cool-down whatever arrives, and for a `kid` that was just looked for without success
 * none for many, so that a flood of made-up ones cannot use up every cool-down with the same. Bounded.
 */
export class UnknownKeys {
  readonly #penalised = new Map<string, number>();
  #lastAt = -Infinity;

  /** @param cooldownSeconds seconds in which at most one fetch is made */
  constructor(private readonly cooldownSeconds: number) {}

  /**
   * @param keyId nothing when it is not known for which key
   * @param now milliseconds of a monotonic clock
   */
  mayFetch(keyId: string | undefined, now: number): boolean {
    if (now - this.#lastAt < this.cooldownSeconds * 1_000) return false;
    if (keyId !== undefined && (keyId.length > KEY_ID_LIMIT || (this.#penalised.get(keyId) ?? 0) > now)) return false;
    this.#lastAt = now;
    return true;
  }

  /** A fetch was made for a `kid` and did not bring it. @param now milliseconds of a monotonic clock */
  penalise(keyId: string, now: number): void {
    this.#penalised.delete(keyId);
    const [oldest] = this.#penalised.keys();
    if (this.#penalised.size >= PENALISED_LIMIT && oldest !== undefined) this.#penalised.delete(oldest);
    this.#penalised.set(keyId, now + PENALTY_COOLDOWNS * this.cooldownSeconds * 1_000);
  }
}
