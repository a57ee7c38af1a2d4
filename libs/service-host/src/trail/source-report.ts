import { hostname } from 'node:os';
import { type SourceReport } from '@countersign/audit-client';
import { z } from 'zod';
import { type HealthReport } from '../health/health.js';

const relaySchema = z.object({
  connected: z.boolean(),
  pending: z.number(),
  oldest_seconds: z.number(),
  lastError: z.string().nullable(),
});
const feedSchema = z.object({ state: z.enum(['loading', 'current', 'lost']), lagMs: z.number().nullable() });

/** Distinguishes this process from the service's others. */
export const thisReplica = `${hostname()}/${String(process.pid)}`;

/** What audit's page Health shows of a service: the part of its readiness that its events do not show. */
export function sourceReportOf({ status, checks, notes }: HealthReport): Omit<SourceReport, 'source' | 'known'> {
  const { data: relay } = relaySchema.safeParse(notes['audit_relay']);
  const { data: feed } = feedSchema.safeParse(notes['revocation_feed']);
  return {
    replica: thisReplica,
    status,
    failing: Object.entries(checks)
      .filter(([, result]) => result !== 'ok')
      .map(([check, reason]) => ({ check, reason })),
    outbox: {
      pending: relay?.pending ?? 0,
      oldest_seconds: relay?.oldest_seconds ?? 0,
      last_error: relay?.connected === false ? 'no connection to NATS' : (relay?.lastError ?? null),
    },
    revocation_feed: feed === undefined ? null : { state: feed.state, lag_ms: feed.lagMs },
  };
}
