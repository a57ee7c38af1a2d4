import type pg from 'pg';
import { z } from 'zod';

/** The lowest UUIDv7 at a given time (RFC 9562, section 5.7). */
function lowestIdAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** One snapshot sees an event either in the outbox or among the kept events, never in both. */
const recentEvents = `
  (select event from audit_outbox where id >= $2::uuid and event->>'type' = $1 order by id desc limit $4)
  union all
  (select line::jsonb from audit_outbox_group as waiting, string_to_table(waiting.events, E'\\n') as line
   where waiting.created_at >= $3 and line::jsonb->>'type' = $1 and (line::jsonb->>'id')::uuid >= $2::uuid limit $4)
  union all
  (select line::jsonb from (select events from audit_kept where kept_at >= $3 order by kept_at desc) as kept,
     string_to_table(kept.events, E'\\n') as line
   where line::jsonb->>'type' = $1 and (line::jsonb->>'id')::uuid >= $2::uuid limit $4)`;

const recentRows = z.array(z.object({ event: z.unknown() }));

/**
 * Reads back what the service itself recorded recently, whether or not it is in the log yet; complete for as long as events are kept
 * (`OUTBOX_KEEP_HOURS`).
 */
export class RecentEvents {
  constructor(private readonly pool: pg.Pool) {}

  /**
   * Events of one type, in no particular order.
   * @param since the earliest creation time
   * @param limit maximum number of events; fewer means that there are no more
   */
  async read(type: string, since: Date, limit: number): Promise<readonly unknown[]> {
    const values = [type, lowestIdAt(since.getTime()), since, limit];
    const { rows } = await this.pool.query(recentEvents, values);
    return recentRows
      .parse(rows)
      .slice(0, limit)
      .map(({ event }) => event);
  }
}
