import { completeEvent, uuidv7, type EventContext } from '@countersign/audit-event';
import { events as catalogue } from '../events.js';
import { type RecoveredEvent, type RecoveryPlan } from './recovered-log.js';

/**
 * Entries that say of each missing place that its event was lost; they are audit's own, numbered behind those that came back.
 * @param known the highest number of an own event that the log has; 0 if there is none
 * @param now when the loss is declared
 */
export function lostEntries(
  { events, missing }: RecoveryPlan,
  known: bigint,
  context: EventContext,
  now: Date,
): readonly RecoveredEvent[] {
  const own = events.filter(({ event }) => event.source === 'audit').map(({ event }) => BigInt(event.sequence));
  let sequence = own.reduce((highest, one) => (one > highest ? one : highest), known);
  const entries: RecoveredEvent[] = [];
  for (const { first, last } of missing) {
    for (let index = first; index <= last; index += 1n) {
      sequence += 1n;
      const lost = { id: index.toString(), outcome: 'failed', reason: 'LOST_BY_A_RESTORE' } as const;
      const declared = catalogue.event('entry.lost', context, lost);
      const event = completeEvent(declared, uuidv7(now.getTime()), catalogue.source, now);
      entries.push({ index, salts: {}, event: { ...event, sequence: sequence.toString() } });
    }
  }
  return entries;
}
