import { z } from 'zod';
import { printable } from '../output.js';

/** An event as the audit service returns it; members unknown to this version pass through. */
export const foundEventSchema = z.looseObject({
  log_index: z.string(),
  event: z.looseObject({
    source: z.string(),
    time: z.string(),
    data: z.looseObject({
      principal: z.looseObject({ subject: z.string(), client_id: z.string(), actors: z.array(z.string()) }).nullable(),
      action: z.string(),
      resource: z.string(),
      outcome: z.string(),
      reason: z.string().optional(),
    }),
  }),
});
export type FoundEvent = z.infer<typeof foundEventSchema>;

export const eventTitles = ['index', 'time', 'source', 'action', 'resource', 'outcome', 'subject', 'by'] as const;

/** An event as a row under {@link eventTitles}; `by` is the client, and who acted through it, newest first. */
export function eventRow({ log_index, event }: FoundEvent): readonly string[] {
  const { principal, action, resource, outcome, reason } = event.data;
  const by =
    principal === null
      ? ''
      : [principal.client_id, ...principal.actors.filter((one) => one !== principal.client_id)].join(' ← ');
  return [
    log_index,
    event.time,
    event.source,
    action,
    resource,
    reason === undefined ? outcome : `${outcome} ${reason}`,
    principal?.subject ?? '',
    by,
  ].map(printable);
}
