import { z } from 'zod';
import { type Entry, type Payment } from './money-check.js';

const eventLine = z.looseObject({
  event: z.looseObject({
    type: z.string(),
    source: z.string(),
    data: z.looseObject({ resource: z.string(), outcome: z.string() }),
  }),
});
const startOrEnd = z
  .object({
    start: z.looseObject({}).optional(),
    end: z.object({ complete: z.boolean(), checkpoint: z.string() }).optional(),
  })
  .refine(({ start, end }) => start !== undefined || end !== undefined);

/** An NDJSON export of the whole trail: how often each thing was recorded as done, and the checkpoint that covers it. */
export interface Trail {
  readonly ndjson: string;
  readonly events: number;
  readonly done: ReadonlyMap<string, number>;
  readonly checkpoint: string;
}

const placeOf = (type: string, resource: string): string => `${type} ${resource}`;

/** @throws when the export was cut off */
export function readTrail(ndjson: string): Trail {
  const done = new Map<string, number>();
  let events = 0;
  let checkpoint: string | undefined;
  for (const line of ndjson.split('\n')) {
    if (line === '') continue;
    const json: unknown = JSON.parse(line);
    const found = eventLine.safeParse(json).data?.event;
    if (found === undefined) {
      const { end } = startOrEnd.parse(json);
      if (end?.complete === true) checkpoint = end.checkpoint;
      continue;
    }
    events += 1;
    if (found.data.outcome !== 'allowed') continue;
    const place = placeOf(found.type, found.data.resource);
    done.set(place, (done.get(place) ?? 0) + 1);
  }
  if (checkpoint === undefined) throw new Error('the export of the trail is not complete');
  return { ndjson, events, done, checkpoint };
}

/** What must have been recorded about a payment in its present state. */
function stepsOf({ status, capture }: Payment): readonly string[] {
  if (status === 'created' || status === 'failed') return ['created'];
  const before = capture === 'manual' ? ['created', 'held'] : ['created'];
  if (status === 'held') return before;
  // Recovery may learn the end of a hold that it never saw held.
  const seen = capture === 'manual' ? ['created'] : before;
  return [...seen, status === 'cancelled' || status === 'expired' ? status : 'settled'];
}

/**
 * One audit event per committed action: of each step of the load's payments, and of each transfer that moved money.
 * @param relearned a restored database learned steps of payments a second time
 * @returns what is missing or doubled, in words
 */
export function trailFaults(
  { done }: Trail,
  payments: readonly Payment[],
  entries: readonly Entry[],
  relearned = false,
): readonly string[] {
  const steps = payments.flatMap((payment) =>
    stepsOf(payment).map((step) => placeOf(`countersign.payments.payment.${step}.v1`, `payment/${payment.id}`)),
  );
  const transfers = [...new Set(entries.map(({ transfer_id }) => transfer_id))].map((id) =>
    placeOf('countersign.accounts.transfer.posted.v1', `transfer/${id}`),
  );
  const faultsOf = (place: string, mostTimes: number): readonly string[] => {
    const times = done.get(place) ?? 0;
    return times >= 1 && times <= mostTimes ? [] : [`${place}: recorded ${String(times)} times instead of once`];
  };
  return [
    ...steps.flatMap((place) => faultsOf(place, relearned ? 2 : 1)),
    ...transfers.flatMap((place) => faultsOf(place, 1)),
  ];
}
