import { type ApiKeyIdentity, type ApiKeyLimit } from '../../principal.js';
import { limitFor, type LimitState } from './limit-store.js';
import { type LeaseAnswer } from './shared-bucket.js';

/** This replica's share of one limit of one key. */
export class Bucket {
  left = 0;
  used = 0;
  /**
   * Whether its last lease was settled here. A bucket that was evicted and came back does not know how much of its lease was used, so all of it
   * counts.
   */
  isSettled = false;
  until = -Infinity;
  refusedUntil = -Infinity;
  asked = -Infinity;
  exhausted: LeaseAnswer['exhausted'];
  remaining = 0;
  waiting = 0;
  leasing: Promise<void> | undefined;
  /** Whether it was used since the table last looked for a bucket to evict. */
  isRecent = true;
  isForgotten = false;

  /**
   * @param name `<key id>/<route class>`
   * @param of the route class that defines the limit
   */
  constructor(
    readonly name: string,
    readonly of: string,
    public limit: ApiKeyLimit,
  ) {}

  /** Whether a request waits for its lease: then it cannot be evicted. */
  get isBusy(): boolean {
    return this.waiting > 0 || this.leasing !== undefined;
  }

  /** Whether the lease has a request left. */
  holds(now: number): boolean {
    return this.left > 0 && now < this.until;
  }

  /** Spends one request of the lease. @returns whether there was one */
  takes(now: number): boolean {
    if (!this.holds(now)) return false;
    this.left -= 1;
    this.used += 1;
    this.isRecent = true;
    return true;
  }

  /** The state sent to a caller whose request may pass. */
  passed(): LimitState {
    return { name: this.of, limit: this.limit, remaining: this.remaining + this.left };
  }

  /** The state sent to a caller whose request may not pass. */
  refused(retryMs: number): LimitState {
    return { name: this.of, limit: this.limit, remaining: 0, retryMs, exhausted: this.exhausted };
  }
}

/** Maximum buckets that are passed over before one is evicted. */
const TRIES_LIMIT = 16;

/** One key's buckets by route class; undefined if it is not limited. */
interface Known {
  readonly byClass: Map<string, Bucket | undefined>;
  /** The route class of the last request. */
  lastClass: string | undefined;
  last: Bucket | undefined;
}

/** The buckets of this replica, bounded: the least recently used is evicted for a new one. */
export class Buckets {
  readonly #byName = new Map<string, Bucket>();
  /** Keyed by the object from the key's token, which stays the same for the token's life: a repeated key needs no lookup by text. */
  readonly #known = new WeakMap<ApiKeyIdentity, Known>();

  /**
   * @param limit maximum buckets held
   * @param onForgotten called for each evicted bucket: what it holds counts as used
   */
  constructor(
    private readonly limit: number,
    private readonly onForgotten: (bucket: Bucket) => void,
  ) {}

  /** Number of buckets held. */
  get size(): number {
    return this.#byName.size;
  }

  /** @returns undefined if the key is not limited */
  of(key: ApiKeyIdentity, routeClass: string): Bucket | undefined {
    let known = this.#known.get(key);
    if (known === undefined)
      this.#known.set(key, (known = { byClass: new Map(), lastClass: undefined, last: undefined }));
    if (known.lastClass === routeClass && known.last?.isForgotten !== true) return known.last;
    known.last = this.#find(key, routeClass, known.byClass);
    known.lastClass = routeClass;
    return known.last;
  }

  #find(key: ApiKeyIdentity, routeClass: string, byClass: Known['byClass']): Bucket | undefined {
    const before = byClass.get(routeClass);
    if (before !== undefined ? !before.isForgotten : byClass.has(routeClass)) return before;
    const found = limitFor(key, routeClass);
    const bucket = found === undefined ? undefined : this.#named(`${key.id}/${found[0]}`, found);
    byClass.set(routeClass, bucket);
    return bucket;
  }

  #named(name: string, [of, limit]: readonly [string, ApiKeyLimit]): Bucket {
    const known = this.#byName.get(name);
    if (known !== undefined) {
      // A token that was exchanged later carries the current plan.
      known.limit = limit;
      return known;
    }
    const bucket = new Bucket(name, of, limit);
    if (this.#byName.size >= this.limit) this.#forgetOne();
    this.#byName.set(name, bucket);
    return bucket;
  }

  /** The first that was not used since it was last passed over; after a few tries, any. */
  #forgetOne(): void {
    let tries = 0;
    for (const [name, bucket] of this.#byName) {
      tries += 1;
      if (!bucket.isBusy && (!bucket.isRecent || tries > TRIES_LIMIT)) {
        this.#forget(bucket);
        return;
      }
      // All of them are busy: the table exceeds its limit by as many as requests wait.
      if (tries > 2 * TRIES_LIMIT) return;
      bucket.isRecent = false;
      // Moves to the end, so that the next search starts after it.
      this.#byName.delete(name);
      this.#byName.set(name, bucket);
    }
  }

  #forget(bucket: Bucket): void {
    this.#byName.delete(bucket.name);
    bucket.isForgotten = true;
    this.onForgotten(bucket);
  }
}
