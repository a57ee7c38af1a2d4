import { setTimeout as delay } from 'node:timers/promises';
import { type ApiKeyIdentity } from '../../principal.js';
import { monotonicClock } from '../../clock.js';
import { Buckets, type Bucket } from './bucket.js';
import { LeaseRequests } from './lease-requests.js';
import { type LimitState, type LimitStore } from './limit-store.js';
import { capacityOf, type LeaseAnswer } from './shared-bucket.js';

/** Where limits are counted, and how many are held. */
export interface ApiKeyLimitsOptions {
  readonly store: LimitStore;
  /** Maximum buckets held; 100,000 by default. One that was not used recently is evicted. */
  readonly bucketsLimit?: number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic?: () => number;
  /** Waits the given number of milliseconds; a timer by default. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** Fraction of the burst that other replicas may hold when a request is refused; if they hold more, the request waits. */
const ELSEWHERE_SHARE = 0.02;
/** How often to wait for what others hold. */
const WAITS = 3;
/** Maximum requests of one key that wait for a lease; more are refused. */
const WAITING_LIMIT = 5_000;
/** Maximum requests that one lease asks for. */
const WANTED_LIMIT = 100_000;
/** Maximum attempts of one request: enough for the last waiting request if leases grant one at a time. */
const TRIES = 1_000;
/** Milliseconds for which a refusal is repeated without asking, when nothing better is known. */
const SHORT_MS = 100;

/**
 * Decides from memory whether a key may be used again: replicas lease shares of the common bucket and spend them here. Leases of all keys are
 * requested and returned together, so that the store sees a few commits per second under any load; a key whose limit is spent is refused without
 * asking until something may be left.
 */
export class ApiKeyLimits {
  readonly #buckets: Buckets;
  /** Buckets with a lease here that the store knows of. */
  readonly #holding = new Set<Bucket>();
  readonly #requests: LeaseRequests;
  readonly #monotonic: () => number;
  readonly #wait: (ms: number) => Promise<void>;

  constructor({
    store,
    monotonic = monotonicClock,
    wait = (ms) => delay(ms, undefined, { ref: false }),
    bucketsLimit = 100_000,
  }: ApiKeyLimitsOptions) {
    this.#monotonic = monotonic;
    this.#wait = wait;
    this.#requests = new LeaseRequests(store);
    this.#buckets = new Buckets(bucketsLimit, (bucket) => this.#holding.delete(bucket));
  }

  /**
   * Spends one request of a key.
   * @param routeClass the class of the route
   * @returns synchronously in most cases: undefined for a key that is not limited here; else the state, with `retryMs` when the request must not pass
   * @throws what the store threw (the promise rejects)
   */
  spend(key: ApiKeyIdentity, routeClass: string): LimitState | undefined | Promise<LimitState> {
    const bucket = this.#buckets.of(key, routeClass);
    if (bucket === undefined) return undefined;
    return this.#decide(bucket, this.#monotonic()) ?? this.#leaseAndSpend(bucket);
  }

  /** Like {@link spend}, from memory only. @returns undefined when a lease is needed first, or the request must not pass */
  spendNow(key: ApiKeyIdentity, routeClass: string): LimitState | 'unlimited' | undefined {
    const bucket = this.#buckets.of(key, routeClass);
    if (bucket === undefined) return 'unlimited';
    return bucket.takes(this.#monotonic()) ? bucket.passed() : undefined;
  }

  /**
   * Whether a request would be refused, from memory only; nothing is spent.
   * @returns undefined when it may pass, or when only a lease can tell
   */
  refusedNow(key: ApiKeyIdentity, routeClass: string): LimitState | undefined {
    const bucket = this.#buckets.of(key, routeClass);
    if (bucket === undefined) return undefined;
    const now = this.#monotonic();
    return now >= bucket.refusedUntil || bucket.holds(now) ? undefined : bucket.refused(bucket.refusedUntil - now);
  }

  /** @returns undefined if a lease is needed first */
  #decide(bucket: Bucket, now: number): LimitState | undefined {
    if (bucket.takes(now)) return bucket.passed();
    return now < bucket.refusedUntil ? bucket.refused(bucket.refusedUntil - now) : undefined;
  }

  async #leaseAndSpend(bucket: Bucket): Promise<LimitState> {
    if (bucket.waiting >= WAITING_LIMIT) return tooMany(bucket);
    bucket.waiting += 1;
    try {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        await (bucket.leasing ??= this.#leaseFor(bucket).finally(() => {
          bucket.leasing = undefined;
        }));
        const decided = this.#decide(bucket, this.#monotonic());
        if (decided !== undefined) return decided;
      }
      // Whatever trickles in goes to the requests that have waited longest.
      return tooMany(bucket);
    } finally {
      bucket.waiting -= 1;
    }
  }

  /** Requests a lease; if nothing is left but others hold some that they may not need, tries again after they have returned it. */
  async #leaseFor(bucket: Bucket): Promise<void> {
    let last = await this.#lease(bucket);
    for (let waits = 0; waits < WAITS && last.granted === 0; waits += 1) {
      const isMuch = last.elsewhere > capacityOf(bucket.limit) * ELSEWHERE_SHARE;
      if (!isMuch) break;
      await this.#wait(Math.min(last.settledMs, last.retryMs));
      last = await this.#lease(bucket);
    }
    if (last.granted > 0) return;
    bucket.exhausted = last.exhausted;
    // Counted from when it was requested, because the response took some of that time.
    bucket.refusedUntil = bucket.asked + last.retryMs;
  }

  async #lease(bucket: Bucket): Promise<LeaseAnswer> {
    // Twice what the last lease needed, so that a flood asks rarely and a trickle holds little.
    const wanted = Math.min(WANTED_LIMIT, Math.max(1, bucket.waiting, bucket.used * 2));
    bucket.asked = this.#monotonic();
    const answer = await this.#settle(bucket, wanted);
    bucket.left = answer.granted;
    bucket.until = bucket.asked + answer.lastsMs;
    bucket.remaining = answer.remaining;
    return answer;
  }

  /** Reports the previous lease; from now on nothing of it is spent. */
  async #settle(bucket: Bucket, wanted: number): Promise<LeaseAnswer> {
    const { used, name, limit } = bucket;
    bucket.left = 0;
    bucket.used = 0;
    try {
      const settles = bucket.isSettled ? used : Number.MAX_SAFE_INTEGER;
      const answer = await this.#requests.ask({ bucket: name, limit, used: settles, wanted });
      bucket.isSettled = true;
      if (answer.granted > 0) this.#holding.add(bucket);
      else this.#holding.delete(bucket);
      return answer;
    } catch (error) {
      // It may or may not have been settled. What was used is reported again; the rest is no longer spent.
      bucket.used = used;
      throw error;
    }
  }

  /**
   * Returns what expired leases left over, all in one request. Call it often: it does nothing if no lease has expired.
   * @throws what the store threw: then it is returned the next time, or counts as used
   */
  async giveBack(): Promise<void> {
    if (this.#holding.size === 0) return;
    const now = this.#monotonic();
    const ended = [...this.#holding].filter(({ until, leasing }) => now >= until && leasing === undefined);
    await Promise.all(
      ended.map((bucket) => {
        bucket.leasing = this.#settle(bucket, 0)
          .then(({ remaining }) => {
            bucket.remaining = remaining;
          })
          .finally(() => {
            bucket.leasing = undefined;
          });
        return bucket.leasing;
      }),
    );
  }
}

function tooMany(bucket: Bucket): LimitState {
  bucket.exhausted ??= bucket.limit.perMinute === undefined ? 'day' : 'rate';
  return bucket.refused(SHORT_MS);
}
