import { type EventContext, type NewAuditEvent, type UnnumberedEvent } from '@countersign/audit-event';
import { events as catalogue } from '../events.js';
import { type IndexSpan, type RecoveredEvent } from './recovered-log.js';

/**
 * Entries that declare the event of each lost log index as lost; they are audit's own, numbered after the recovered ones. A log can
 * have lost millions, so each is created when it is needed.
 * @param known the highest number of audit's own events, in the log or recovered; 0 if there is none
 * @param prepare completes an event, as the outbox does
 */
export function* lostEntries(
  lost: readonly IndexSpan[],
  known: bigint,
  context: EventContext,
  prepare: (event: NewAuditEvent) => UnnumberedEvent,
): Generator<RecoveredEvent> {
  let sequence = known;
  for (const { first, last } of lost) {
    for (let index = first; index <= last; index += 1n) {
      sequence += 1n;
      const about = { id: index.toString(), outcome: 'failed', reason: 'LOST_BY_A_RESTORE' } as const;
      const event = prepare(catalogue.event('entry.lost', context, about));
      yield { index, salts: {}, event: { ...event, sequence: sequence.toString() } };
    }
  }
}
