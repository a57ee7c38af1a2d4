import { type LeaseAnswer } from './shared-bucket.js';
import { leaseFrom, type SharedBucket } from './shared-bucket.js';
import { type LimitStore, type NamedLeaseRequest } from './limit-store.js';

/** Limits of a service that runs as one process. Bounded: the least recently used bucket is evicted, and starts full when it comes back. */
export class MemoryLimitStore implements LimitStore {
  readonly #buckets = new Map<string, SharedBucket>();

  /** @param now milliseconds since 1970 */
  constructor(
    private readonly now: () => number = Date.now,
    private readonly limit = 100_000,
  ) {}

  lease(requests: readonly NamedLeaseRequest[], replica = 'this'): Promise<readonly LeaseAnswer[]> {
    return Promise.resolve(requests.map((request) => this.#lease(request, replica)));
  }

  #lease({ bucket: name, limit, used, wanted }: NamedLeaseRequest, replica: string): LeaseAnswer {
    const { bucket, answer } = leaseFrom(this.#buckets.get(name), limit, { replica, used, wanted }, this.now());
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.limit && oldest !== undefined) this.#buckets.delete(oldest);
    return answer;
  }
}
