import { type AuditEvent } from '@countersign/audit-event';

/** An event that came back, with the place that it had. */
export interface RecoveredEvent {
  readonly index: bigint;
  readonly event: AuditEvent;
  /** The salts of its commitments, by path. */
  readonly salts: Readonly<Record<string, string>>;
}

/** Both ends are included. */
export interface IndexSpan {
  readonly first: bigint;
  readonly last: bigint;
}

export interface RecoveryPlan {
  /** In the log's order, each place once. */
  readonly events: readonly RecoveredEvent[];
  /** Places of which nothing came back. */
  readonly missing: readonly IndexSpan[];
}

/**
 * The part of a log that can be restored to its place.
 * @param next the first index that the log does not have
 * @param end the index behind the last one that it had
 * @throws {RangeError} when two events claim one place: one of them is not what it says
 */
export function recoveryPlan(next: bigint, end: bigint, found: readonly RecoveredEvent[]): RecoveryPlan {
  const byIndex = new Map<bigint, RecoveredEvent>();
  for (const one of found) {
    if (one.index < next || one.index >= end) continue;
    const other = byIndex.get(one.index);
    if (other !== undefined && other.event.id !== one.event.id) {
      throw new RangeError(`two events claim the log index ${String(one.index)}: ${other.event.id}, ${one.event.id}`);
    }
    byIndex.set(one.index, one);
  }
  const events = [...byIndex.values()].sort((one, other) => (one.index < other.index ? -1 : 1));
  const missing: IndexSpan[] = [];
  let expected = next;
  for (const { index } of [...events, { index: end }]) {
    if (index > expected) missing.push({ first: expected, last: index - 1n });
    expected = index + 1n;
  }
  return { events, missing };
}
