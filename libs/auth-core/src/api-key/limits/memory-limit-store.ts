import { BoundedMap } from '../../bounded-map.js';
import { leaseFrom, type LeaseAnswer, type SharedBucket } from './shared-bucket.js';
import { type LimitStore, type NamedLeaseRequest } from './limit-store.js';

/** Limits of a service that runs as one process. Bounded: the least recently used bucket is evicted, and starts full when it comes back. */
export class MemoryLimitStore implements LimitStore {
  readonly #buckets: BoundedMap<string, SharedBucket>;

  /** @param now milliseconds since 1970 */
  constructor(
    private readonly now: () => number = Date.now,
    limit = 100_000,
  ) {
    this.#buckets = new BoundedMap(limit);
  }

  lease(requests: readonly NamedLeaseRequest[], replica = 'this'): Promise<readonly LeaseAnswer[]> {
    return Promise.resolve(requests.map((request) => this.#lease(request, replica)));
  }

  #lease({ bucket: name, limit, used, wanted }: NamedLeaseRequest, replica: string): LeaseAnswer {
    const { bucket, answer } = leaseFrom(this.#buckets.get(name), limit, { replica, used, wanted }, this.now());
    this.#buckets.set(name, bucket);
    return answer;
  }
}
