/** Remembers proofs that were used (RFC 9449, section 11.1). Several replicas of a service share one, or a proof works once at each. */
export interface DpopReplayStore {
  /**
   * Marks a proof as used, atomically.
   * @param id the proof's identity: 43 characters of base64url
   * @param expiresAt seconds since 1970 from which on the proof is refused for its age, so that the entry may leave
   * @returns whether this was the first use
   */
  useOnce(id: string, expiresAt: number): Promise<boolean>;
}

/** Used proofs in the memory of one process, bounded: while it is full of proofs that are still good, it refuses further ones. */
export class MemoryDpopReplayStore implements DpopReplayStore {
  readonly #used = new Map<string, number>();

  /**
   * @param limit proofs remembered at most; 200,000 by default
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

  /** Proofs remembered now. */
  get size(): number {
    return this.#used.size;
  }
}
