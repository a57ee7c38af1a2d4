import { setTimeout as delay } from 'node:timers/promises';
import { type ApiKeyIdentity, type ApiKeyLimit } from '../../principal.js';
import { monotonicClock } from '../../clock.js';
import { capacityOf, type LeaseAnswer, type LeaseRequest } from './shared-bucket.js';

/** One limit of one key, and what is asked of it. */
export interface NamedLeaseRequest extends Omit<LeaseRequest, 'replica'> {
  /** `<key id>/<class of routes>`. */
  readonly bucket: string;
  readonly limit: ApiKeyLimit;
}

/** Where replicas share what is left of each limit. */
export interface LimitStore {
  /**
   * Settles and grants leases, all in one commit.
   * @returns the answers, in the order of the requests, no bucket twice
   */
  lease(requests: readonly NamedLeaseRequest[]): Promise<readonly LeaseAnswer[]>;
}

/** What a caller is told of its limit, whether or not its request passes. */
export interface LimitState {
  /** The class of routes by whose limit it was decided. */
  readonly name: string;
  readonly limit: ApiKeyLimit;
  /** Requests that are left, as far as this replica knows. */
  readonly remaining: number;
  /** Nothing for a request that may pass; else the milliseconds until one may. */
  readonly retryMs?: number;
  readonly exhausted?: LeaseAnswer['exhausted'];
}

export interface ApiKeyLimitsOptions {
  readonly store: LimitStore;
  /** Buckets held at most; 100,000 by default. The one that was asked for least recently leaves. */
  readonly bucketsLimit?: number;
  /** Milliseconds of a clock that is never set back. */
  readonly monotonic?: () => number;
  /** Waits that many milliseconds; a timer by default. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** Part of the burst that others may hold when a request is refused: what is more is waited for. */
const ELSEWHERE_SHARE = 0.02;
/** How often what others hold is waited for. */
const WAITS = 3;
/** Requests of one key that wait for a lease at once; a further one is refused. */
const WAITING_LIMIT = 1_000;
/** Requests that one lease asks for at most. */
const WANTED_LIMIT = 100_000;
/** Tries of one request: the last of those that wait gets its turn when leases bring one at a time. */
const TRIES = WAITING_LIMIT;
/** Milliseconds for which a refusal is repeated without asking, when nothing is known better. */
const SHORT_MS = 100;

/** What this replica holds of one limit. */
class Bucket {
  left = 0;
  used = 0;
  until = -Infinity;
  refusedUntil = -Infinity;
  asked = -Infinity;
  exhausted: LeaseAnswer['exhausted'];
  wanted = 1;
  remaining = 0;
  waiting = 0;
  leasing: Promise<void> | undefined;

  constructor(
    readonly name: string,
    readonly of: string,
    readonly limit: ApiKeyLimit,
  ) {}

  state(retryMs?: number): LimitState {
    const { of: name, limit, exhausted } = this;
    const remaining = this.remaining + this.left;
    return retryMs === undefined ? { name, limit, remaining } : { name, limit, remaining: 0, retryMs, exhausted };
  }
}

interface Asked {
  readonly request: NamedLeaseRequest;
  readonly answered: (answer: LeaseAnswer) => void;
  readonly failed: (error: unknown) => void;
}

/** The limit of a class of routes: its own, or the one for all. @returns nothing where it is not limited */
export function limitFor({ limits }: ApiKeyIdentity, routeClass: string): readonly [string, ApiKeyLimit] | undefined {
  if (limits === undefined) return undefined;
  const own = Object.hasOwn(limits, routeClass) ? limits[routeClass] : undefined;
  if (own !== undefined) return [routeClass, own];
  const all = Object.hasOwn(limits, '*') ? limits['*'] : undefined;
  return all === undefined ? undefined : ['*', all];
}

/**
 * Decides from memory whether a key may be used once more: replicas lease shares of the common bucket and spend them here. Leases of all keys
 * are asked for and given back together, so that the store sees a few commits a second however many requests there are; a key whose limit is
 * spent is refused without asking again until something may be left.
 */
export class ApiKeyLimits {
  readonly #buckets = new Map<string, Bucket>();
  /** Those of which the store knows a lease here. */
  readonly #holding = new Set<Bucket>();
  #asked: Asked[] = [];
  #asking = false;
  readonly #monotonic: () => number;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #bucketsLimit: number;

  constructor(private readonly options: ApiKeyLimitsOptions) {
    this.#monotonic = options.monotonic ?? monotonicClock;
    this.#wait = options.wait ?? ((ms) => delay(ms, undefined, { ref: false }));
    this.#bucketsLimit = options.bucketsLimit ?? 100_000;
  }

  /**
   * Spends one request of a key.
   * @param routeClass the class of the route
   * @returns at once in most cases: nothing for a key that is not limited here; the state, with `retryMs` when the request must not pass
   * @throws by the promise, what the store threw
   */
  spend(key: ApiKeyIdentity, routeClass: string): LimitState | undefined | Promise<LimitState> {
    const found = limitFor(key, routeClass);
    if (found === undefined) return undefined;
    const bucket = this.#bucketOf(key.id, found);
    return this.#decide(bucket, this.#monotonic()) ?? this.#leaseAndSpend(bucket);
  }

  /** As {@link spend}, only from memory. @returns nothing when a lease is needed first, or the request must not pass */
  spendNow(key: ApiKeyIdentity, routeClass: string): LimitState | 'unlimited' | undefined {
    const found = limitFor(key, routeClass);
    if (found === undefined) return 'unlimited';
    const bucket = this.#bucketOf(key.id, found);
    const now = this.#monotonic();
    return bucket.left > 0 && now < bucket.until ? this.#decide(bucket, now) : undefined;
  }

  /** @returns nothing where a lease is needed first */
  #decide(bucket: Bucket, now: number): LimitState | undefined {
    if (bucket.left > 0 && now < bucket.until) {
      bucket.left -= 1;
      bucket.used += 1;
      return bucket.state();
    }
    if (now < bucket.refusedUntil) return bucket.state(bucket.refusedUntil - now);
    return undefined;
  }

  async #leaseAndSpend(bucket: Bucket): Promise<LimitState> {
    if (bucket.waiting >= WAITING_LIMIT) {
      bucket.exhausted ??= bucket.limit.perMinute === undefined ? 'day' : 'rate';
      return bucket.state(SHORT_MS);
    }
    bucket.waiting += 1;
    try {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        await (bucket.leasing ??= this.#leaseFor(bucket).finally(() => {
          bucket.leasing = undefined;
        }));
        const decided = this.#decide(bucket, this.#monotonic());
        if (decided !== undefined) return decided;
      }
      // What trickles in goes to those who wait longer.
      bucket.exhausted ??= bucket.limit.perMinute === undefined ? 'day' : 'rate';
      return bucket.state(SHORT_MS);
    } finally {
      bucket.waiting -= 1;
    }
  }

  /** Leases; where nothing is left but others hold some that they may not need, once more when they have given it back. */
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
    // Counted from when it was asked for: what the answer took on its way has passed already.
    bucket.refusedUntil = bucket.asked + last.retryMs;
  }

  async #lease(bucket: Bucket): Promise<LeaseAnswer> {
    // Twice of what the last one needed, so that a flood asks seldom and a trickle holds little.
    bucket.wanted = Math.min(WANTED_LIMIT, Math.max(1, bucket.waiting, bucket.used * 2));
    bucket.asked = this.#monotonic();
    const answer = await this.#settle(bucket, bucket.wanted);
    bucket.left = answer.granted;
    bucket.until = bucket.asked + answer.lastsMs;
    bucket.remaining = answer.remaining;
    return answer;
  }

  /** Reports the lease that there was; from now on nothing of it is spent. */
  async #settle(bucket: Bucket, wanted: number): Promise<LeaseAnswer> {
    const { used, name, limit } = bucket;
    bucket.left = 0;
    bucket.used = 0;
    try {
      const answer = await this.#ask({ bucket: name, limit, used, wanted });
      if (answer.granted > 0) this.#holding.add(bucket);
      else this.#holding.delete(bucket);
      return answer;
    } catch (error) {
      // It may or may not have been settled. What was used is reported again, what was left is not spent any more.
      bucket.used = used;
      throw error;
    }
  }

  /**
   * Gives back what leases that have ended left over, all in one request. To be called often: it does nothing where nothing has ended.
   * @throws what the store threw: then it is given back the next time, or counts as used
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

  #ask(request: NamedLeaseRequest): Promise<LeaseAnswer> {
    return new Promise((answered, failed) => {
      this.#asked.push({ request, answered, failed });
      if (!this.#asking) void this.#askAll();
    });
  }

  /** What came in while a request was in progress goes together with the next. */
  async #askAll(): Promise<void> {
    this.#asking = true;
    await Promise.resolve();
    while (this.#asked.length > 0) {
      const group = this.#asked.splice(0, 500);
      try {
        const answers = await this.options.store.lease(group.map(({ request }) => request));
        group.forEach(({ answered, failed }, index) => {
          const answer = answers[index];
          if (answer === undefined) failed(new Error('the store answered fewer leases than were asked for'));
          else answered(answer);
        });
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
    }
    this.#asking = false;
  }

  #bucketOf(id: string, [of, limit]: readonly [string, ApiKeyLimit]): Bucket {
    const name = `${id}/${of}`;
    const known = this.#buckets.get(name);
    // A token that was exchanged later brings the plan of now.
    if (known?.limit === limit || (known !== undefined && isSame(known.limit, limit))) return known;
    const bucket = new Bucket(name, of, limit);
    if (known !== undefined) {
      bucket.used = known.used;
      this.#holding.delete(known);
    }
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    if (this.#buckets.size > this.#bucketsLimit) this.#forgetOne();
    return bucket;
  }

  /** What it holds counts as used. */
  #forgetOne(): void {
    for (const [name, bucket] of this.#buckets) {
      this.#buckets.delete(name);
      this.#holding.delete(bucket);
      return;
    }
  }
}

function isSame(one: ApiKeyLimit, other: ApiKeyLimit): boolean {
  return (
    one.perMinute === other.perMinute &&
    one.burst === other.burst &&
    one.perDay === other.perDay &&
    one.perMonth === other.perMonth
  );
}
