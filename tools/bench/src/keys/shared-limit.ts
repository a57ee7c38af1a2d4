import { setTimeout as delay } from 'node:timers/promises';
import { openPool } from '@countersign/backing-services';
import { ApiKeyLimits } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { PostgresLimitStore } from '@countersign/service-host';

const REPLICAS = 4;
const SECONDS = 4;
const LIMIT = { perMinute: 12_000, burst: 1_000 };
/** Times its limit that each replica is asked for. */
const FLOOD = 3;

export interface SharedLimit {
  /** What passed, as a part of what may: above 1 too much, below it too little. */
  readonly share: number;
  /** Commits of the database for each request. */
  readonly commits: number;
}

/**
 * Four replicas with their own clocks take turns to be flooded by one key, then all are at once, over the limits of one PostgreSQL.
 * @returns how exactly the limit was kept
 */
export async function sharedLimit(databaseUrl: string): Promise<SharedLimit> {
  const pools = Array.from({ length: REPLICAS }, () => openPool(databaseUrl, 2));
  let commits = 0;
  const replicas = pools.map((pool, index) => {
    const store = new PostgresLimitStore(pool);
    const [offset, drift] = [index * 86_400_000, 1 + (index - 1.5) * 1e-4];
    return new ApiKeyLimits({
      store: {
        lease(requests) {
          commits += 1;
          return store.lease(requests);
        },
      },
      monotonic: () => offset + performance.now() * drift,
    });
  });
  const giving = setInterval(() => {
    for (const replica of replicas) void replica.giveBack().catch(() => undefined);
  }, 25);
  try {
    const key = { id: uuidv7(), name: 'bench', networks: [], limits: { '*': LIMIT } };
    const startedAt = performance.now();
    const seen = { passed: 0, asked: 0 };
    let failed: unknown;
    const perMs = (LIMIT.perMinute / 60_000) * FLOOD;
    let due = 0;
    while (performance.now() - startedAt < SECONDS * 1_000) {
      const ms = performance.now() - startedAt;
      const second = Math.floor(ms / 1_000);
      const flooded = second === SECONDS - 1 ? replicas : [replicas[second % REPLICAS]];
      for (; due < ms * perMs; due += 1) {
        const replica = flooded[due % flooded.length];
        seen.asked += 1;
        Promise.resolve(replica?.spend(key, 'read')).then(
          (state) => {
            if (state?.retryMs === undefined) seen.passed += 1;
          },
          (error: unknown) => {
            failed ??= error;
          },
        );
      }
      await delay(1);
    }
    const may = LIMIT.burst + ((performance.now() - startedAt) / 60_000) * LIMIT.perMinute;
    await delay(1_000);
    if (failed !== undefined) throw new Error('a replica could not lease', { cause: failed });
    return { share: seen.passed / may, commits: commits / seen.asked };
  } finally {
    clearInterval(giving);
    await Promise.all(pools.map((pool) => pool.end()));
  }
}
