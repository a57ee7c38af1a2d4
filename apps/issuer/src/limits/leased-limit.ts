import { BoundedMap } from '@countersign/auth-core';

/** The window of a limit that all replicas share: consuming from it costs a round trip. */
export interface SharedWindow {
  /**
   * @param points to take at once
   * @returns how many of them were granted, possibly none, and the milliseconds until the window ends
   */
  take(key: string, points: number): Promise<{ readonly granted: number; readonly endsInMs: number }>;
}

/** Why a request must wait. */
export interface LimitExceeded {
  readonly retryAfterSeconds: number;
  /** Whether it is the first one refused in this window by this replica: that one is recorded, later ones are counted. */
  readonly first: boolean;
}

interface Lease {
  left: number;
  readonly endsAt: number;
  refused: boolean;
}

/**
 * A rate limit whose replicas lease shares of the common window and spend them from memory: a request rarely waits for the database, a flood never
 * reaches it, and together they never spend more than the limit. An idle replica withholds at most one lease from the others.
 */
export class LeasedLimit {
  readonly #leases: BoundedMap<string, Lease>;
  readonly #leasing = new Map<string, Promise<void>>();

  /**
   * @param leaseSize points per lease
   * @param keysLimit maximum keys held; the oldest is evicted
   * @param now milliseconds of a clock that is never set back
   */
  constructor(
    private readonly shared: SharedWindow,
    private readonly leaseSize: number,
    keysLimit: number,
    private readonly now: () => number,
  ) {
    this.#leases = new BoundedMap(keysLimit);
  }

  /** Spends points. @returns undefined if there were enough; synchronously in most cases */
  spend(key: string, points = 1): LimitExceeded | undefined | Promise<LimitExceeded | undefined> {
    const lease = this.#leases.get(key);
    if (lease !== undefined && lease.endsAt > this.now()) {
      if (lease.left >= points) {
        lease.left -= points;
        return undefined;
      }
      if (lease.refused) return this.#exceeded(lease);
    }
    return this.#leaseAndSpend(key, points);
  }

  /** Whether this key was refused in the current window. It spends nothing. */
  isSpent(key: string): boolean {
    const lease = this.#leases.get(key);
    return lease !== undefined && lease.refused && lease.endsAt > this.now();
  }

  async #leaseAndSpend(key: string, points: number): Promise<LimitExceeded | undefined> {
    const under = this.#leasing.get(key);
    if (under !== undefined) {
      await under;
      return this.spend(key, points);
    }
    const leasing = this.#lease(key, Math.max(this.leaseSize, points));
    this.#leasing.set(key, leasing);
    try {
      await leasing;
    } finally {
      this.#leasing.delete(key);
    }
    const lease = this.#leases.get(key);
    if (lease === undefined) return undefined;
    if (lease.left >= points) {
      lease.left -= points;
      return undefined;
    }
    const first = !lease.refused;
    lease.refused = true;
    return { ...this.#exceeded(lease), first };
  }

  async #lease(key: string, points: number): Promise<void> {
    const before = this.#leases.get(key);
    const { granted, endsInMs } = await this.shared.take(key, points);
    const kept = before !== undefined && before.endsAt > this.now() ? before.left : 0;
    this.#leases.set(key, { left: kept + granted, endsAt: this.now() + endsInMs, refused: false });
  }

  #exceeded({ endsAt }: Lease): LimitExceeded {
    return { retryAfterSeconds: Math.max(1, Math.ceil((endsAt - this.now()) / 1_000)), first: false };
  }
}
