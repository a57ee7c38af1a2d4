import fc from 'fast-check';
import { leaseFrom, type LeaseAnswer, type SharedBucket } from './shared-bucket.js';

const MIDNIGHT = Date.UTC(2026, 10, 1);
const LIMIT = 1_000;
const quotas = [
  { perDay: LIMIT },
  { perMonth: LIMIT },
  { perDay: LIMIT, perMinute: 600_000 },
  { perDay: LIMIT, perMonth: 10 * LIMIT },
] as const;
type Quota = (typeof quotas)[number];

/** Replicas that use what they leased only while the lease lasts, and a count of what passed before and after midnight. */
class Replicas {
  readonly passed = { before: 0, after: 0 };
  readonly #leases = new Map<string, { left: number; used: number; until: number }>();
  #bucket: SharedBucket | undefined;

  constructor(private readonly limit: Quota) {}

  lease(replica: string, wanted: number, now: number): LeaseAnswer {
    const used = this.#leases.get(replica)?.used ?? 0;
    const { bucket, answer } = leaseFrom(this.#bucket, this.limit, { replica, used, wanted }, now);
    this.#bucket = bucket;
    this.#leases.set(replica, { left: answer.granted, used: 0, until: now + answer.lastsMs });
    return answer;
  }

  use(replica: string, wanted: number, now: number): void {
    const lease = this.#leases.get(replica);
    if (lease === undefined || now >= lease.until) return;
    const count = Math.min(lease.left, wanted);
    lease.left -= count;
    lease.used += count;
    this.passed[now < MIDNIGHT ? 'before' : 'after'] += count;
  }
}

describe('a quota, where a day and a month end', () => {
  it.each(quotas)('is not exceeded on either side: %j', (limit) => {
    const step = fc.record({
      replica: fc.constantFrom('a', 'b', 'c'),
      wanted: fc.integer({ min: 0, max: LIMIT }),
      used: fc.integer({ min: 0, max: LIMIT }),
      ms: fc.integer({ min: 0, max: 400 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 4_000 }), (steps, earlier) => {
        const replicas = new Replicas(limit);
        let now = MIDNIGHT - earlier;
        for (const { replica, wanted, used, ms } of steps) {
          replicas.lease(replica, wanted, now);
          now += ms;
          replicas.use(replica, used, now);
        }
        expect(Math.max(replicas.passed.before, replicas.passed.after)).toBeLessThanOrEqual(LIMIT);
      }),
      { numRuns: 500 },
    );
  });

  it.each(quotas)('is full again afterwards, whatever replicas held, used and have not returned: %j', (limit) => {
    const replicas = new Replicas(limit);
    for (const [replica, used] of [
      ['a', 250],
      ['b', 0],
    ] as const) {
      replicas.lease(replica, 300, MIDNIGHT - 100);
      replicas.use(replica, used, MIDNIGHT - 1);
    }
    let now = MIDNIGHT + 1;
    for (let asked = 0; asked < 1_000; asked += 1) {
      replicas.lease('c', 100, now);
      replicas.use('c', 100, now);
      now += 1;
      // What they return now was of the day before.
      if (asked === 3) for (const replica of ['a', 'b']) replicas.lease(replica, 0, now);
    }
    expect(replicas.passed).toEqual({ before: 250, after: LIMIT });
  });
});
