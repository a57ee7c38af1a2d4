import { type Receipt } from '@countersign/audit-client';
import { SequenceRanges } from '@countersign/merkle-log';
import { type SourceMark } from '../log/append-events.store.js';
import { type Accepted, type Rejected } from './message-check.js';

/** Maximum ranges of one source: each is between two gaps. */
const RANGE_LIMIT = 1_000;

/** What one batch adds to the trail. */
export interface BatchPlan {
  /** To be appended, in this order. */
  readonly events: readonly Accepted[];
  /** To be kept as dead letters. */
  readonly letters: readonly Rejected[];
  /** Their numbers are already used. Redelivered, if the trail has them by id; otherwise the source has restarted its numbering. */
  readonly repeated: readonly Accepted[];
  readonly marks: readonly SourceMark[];
}

/** An event that becomes a dead letter although it is well formed. */
export function refused({ event, leaf }: Accepted, reason: string, keepsItsPlace: boolean): Rejected {
  return {
    kind: 'dead-letter',
    reason,
    natsSubject: `audit.${event.source}.${reason.toLowerCase()}`,
    payload: leaf.json,
    source: event.source,
    sequence: keepsItsPlace ? event.sequence : null,
  };
}

/**
 * Decides what of a batch is new, by source and sequence. Events that already arrived, in the log or in this batch, are not appended again.
 * @param known the trail's numbers, by source; updated to the state afterwards
 */
export function planOf(batch: readonly (Accepted | Rejected)[], known: ReadonlyMap<string, SequenceRanges>): BatchPlan {
  const events: Accepted[] = [];
  const letters: Rejected[] = [];
  const repeated: Accepted[] = [];
  const touched = new Map<string, SequenceRanges>();
  const rangesOf = (source: string): SequenceRanges => {
    const ranges = touched.get(source) ?? known.get(source) ?? new SequenceRanges();
    touched.set(source, ranges);
    return ranges;
  };
  for (const item of batch) {
    if (item.kind === 'dead-letter') {
      const taken = item.source !== null && item.sequence !== null && !rangesOf(item.source).add(BigInt(item.sequence));
      letters.push(taken ? { ...item, sequence: null } : item);
      continue;
    }
    const ranges = rangesOf(item.event.source);
    const sequence = BigInt(item.event.sequence);
    if (ranges.count >= RANGE_LIMIT && !ranges.has(sequence - 1n) && !ranges.has(sequence)) {
      letters.push(refused(item, 'SEQUENCE_TOO_SPARSE', false));
    } else if (ranges.add(sequence)) events.push(item);
    else repeated.push(item);
  }
  return { events, letters, repeated, marks: [...touched].map(([source, ranges]) => ({ source, known: ranges })) };
}

/** The receipts for the sources: the end of their gap-free range. */
export function receiptsOf(marks: readonly SourceMark[]): readonly Receipt[] {
  return marks.map(({ source, known }) => ({ source, through: known.through.toString() }));
}
