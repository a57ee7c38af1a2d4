import { auditEventSchema, type UnnumberedEvent } from '@countersign/audit-event';
import { eventFaults, type OutboxDatabase } from '@countersign/test-kit';
import { z } from 'zod';
import { events } from '../events.js';

const rowSchema = z.object({ event: auditEventSchema.partial({ sequence: true }) });

/** Audit's own events, by time: those in its outbox, and those already in the log. */
export async function ownEvents(database: OutboxDatabase): Promise<readonly UnnumberedEvent[]> {
  const { rows } = await database.query(
    `select distinct on (event->>'id') event from (
       select event from event where source = 'audit' union all select event from audit_outbox_event
     ) recorded order by event->>'id'`,
  );
  return z
    .array(rowSchema)
    .parse(rows)
    .map(({ event }) => event);
}

/** For the end of a spec: what is wrong with audit's own events. @returns empty if nothing is wrong */
export async function ownEventFaults(database: OutboxDatabase): Promise<readonly string[]> {
  const recorded = await ownEvents(database);
  if (recorded.length === 0) return ['audit recorded no events of its own'];
  return [...new Set(recorded.flatMap((event) => eventFaults(event, events)))];
}
