/** Kinds of faults of an export. */
export type FaultCode =
  | 'EVENT_ALTERED'
  | 'EVENT_MISSING'
  | 'EVENT_INSERTED'
  | 'EVENTS_REORDERED'
  | 'LOG_TRUNCATED'
  | 'LOG_REWRITTEN'
  | 'LOG_FORKED'
  | 'LOG_RESTORED'
  | 'PROOF_INVALID'
  | 'CHECKPOINT_UNPROVEN'
  | 'SEQUENCE_GAP'
  | 'SEQUENCE_REPEATED';

/** A fault and its place. */
export interface Fault {
  readonly code: FaultCode;
  /** Where in the log. */
  readonly logIndex?: number;
  /** The last index of a range in which the faulty event is not known. */
  readonly through?: number;
  /** The source, and its first faulty number. */
  readonly source?: string;
  readonly sequence?: string;
  readonly message: string;
}

/** An event that differs from the log's at its index. Hashes are hexadecimal. */
export interface Mismatch {
  readonly logIndex: number;
  readonly leaf: string;
  readonly recorded: string;
}

/** The fault at the first index whose event is not the recorded one. @param mismatches in the log's order */
export function firstMismatch(mismatches: readonly Mismatch[]): Fault | undefined {
  const [first] = mismatches;
  if (first === undefined) return undefined;
  const { logIndex } = first;
  const at = String(logIndex);
  const belongsTo = mismatches.find(({ recorded }) => recorded === first.leaf)?.logIndex;
  const standsAt = mismatches.find(({ leaf }) => leaf === first.recorded)?.logIndex;
  if (belongsTo !== undefined && standsAt !== undefined) {
    const message = `the event of index ${at} is at ${String(standsAt)}, and the event of ${String(belongsTo)} is in its place`;
    return { code: 'EVENTS_REORDERED', logIndex, message };
  }
  if (belongsTo !== undefined) {
    return {
      code: 'EVENT_MISSING',
      logIndex,
      message: `the event of index ${at} was removed; later ones have moved up`,
    };
  }
  if (standsAt !== undefined) {
    return {
      code: 'EVENT_INSERTED',
      logIndex,
      message: `the event at index ${at} was inserted; later ones have moved down`,
    };
  }
  return { code: 'EVENT_ALTERED', logIndex, message: `the event at index ${at} is not the one in the log` };
}

/** The most exact and earliest first: a range comes after faults within it. */
export function inOrder(faults: readonly Fault[]): readonly Fault[] {
  const placeOf = ({ logIndex = 0, through = logIndex }: Fault): number => through;
  return [...faults].sort((one, other) => placeOf(one) - placeOf(other));
}

/** There is no event at the indices from `first` up to, but excluding, `end`. */
export function missingAt(first: number, end: number): Fault {
  const range = end - first === 1 ? `index ${String(first)}` : `the indices ${String(first)} to ${String(end - 1)}`;
  return { code: 'EVENT_MISSING', logIndex: first, message: `there is no event at ${range}` };
}
