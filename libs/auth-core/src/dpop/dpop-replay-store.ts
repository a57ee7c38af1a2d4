/** Remembers used proofs (RFC 9449, section 11.1). Replicas of a service must share a store, or a proof works once at each. */
export interface DpopReplayStore {
  /**
   * Marks a proof as used, atomically.
   * @param id the proof's identity: 43 characters of base64url
   * @param expiresAt seconds since 1970 when the proof becomes too old, so that the entry may be dropped
   * @returns whether this was the first use
   */
  useOnce(id: string, expiresAt: number): Promise<boolean>;
}

/** Used proofs in the memory of one process, bounded: while it is full of proofs that are still valid, it refuses new ones. */
export class MemoryDpopReplayStore implements DpopReplayStore {
  readonly #used = new Map<string, number>();

  /**
   * @param limit maximum proofs remembered; 200,000 by default
   * @param now milliseconds since 1970
   */
  constructor(
    private readonly limit = 200_000,
    private readonly now: () => number = Date.now,
  ) {}

  useOnce(id: string, expiresAt: number): Promise<boolean> {
    const now = this.now() / 1_000;
    for (const [used, until] of this.#used) {
      if (until > now) break;
      this.#used.delete(used);
    }
    const first = !this.#used.has(id) && this.#used.size < this.limit;
    if (first) this.#used.set(id, expiresAt);
    return Promise.resolve(first);
  }

  /** Number of proofs remembered. */
  get size(): number {
    return this.#used.size;
  }
}
