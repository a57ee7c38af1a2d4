import { type AuditEvent } from '@countersign/audit-event';

/** An event that came back, with the place that it had. */
export interface RecoveredEvent {
  readonly index: bigint;
  readonly event: AuditEvent;
  /** The salts of its commitments, by path. */
  readonly salts: Readonly<Record<string, string>>;
}

/** What an event that came back says about its place. */
export interface Claim {
  readonly index: bigint;
  readonly id: string;
  readonly source: string;
  readonly sequence: bigint;
  /** Whether its source has proven that audit sent it this place for this number. */
  readonly proven: boolean;
}

/** Both ends are included. */
export interface IndexSpan {
  readonly first: bigint;
  readonly last: bigint;
}

export interface RecoveryPlan {
  /** In the log's order, each place once. */
  readonly events: readonly Claim[];
  /** Places of which nothing came back. */
  readonly missing: readonly IndexSpan[];
  /** Places of which more came back than can be true, and nothing tells which. */
  readonly contested: readonly IndexSpan[];
}

/** Those that no other claim to the same place, id or number contradicts, unless only it is proven. */
function standingOf(claims: readonly Claim[]): readonly Claim[] {
  const keysOf = ({ index, id, source, sequence }: Claim): readonly string[] => [
    `index ${String(index)}`,
    `id ${id}`,
    `number ${source} ${String(sequence)}`,
  ];
  const said = new Map<string, { all: number; proven: number }>();
  for (const claim of claims) {
    for (const key of keysOf(claim)) {
      const { all, proven } = said.get(key) ?? { all: 0, proven: 0 };
      said.set(key, { all: all + 1, proven: proven + (claim.proven ? 1 : 0) });
    }
  }
  return claims.filter((claim) =>
    keysOf(claim).every((key) => {
      const { all = 0, proven = 0 } = said.get(key) ?? {};
      return all === 1 || (claim.proven && proven === 1);
    }),
  );
}

function spansOf(indices: readonly bigint[]): readonly IndexSpan[] {
  const spans: { first: bigint; last: bigint }[] = [];
  for (const index of indices) {
    const span = spans.at(-1);
    if (span?.last === index - 1n) span.last = index;
    else spans.push({ first: index, last: index });
  }
  return spans;
}

/**
 * The part of a log that can be restored to its place.
 * @param next the first index that the log does not have
 * @param end the index behind the last one that it had
 */
export function recoveryPlan(next: bigint, end: bigint, found: readonly Claim[]): RecoveryPlan {
  const ascending = (one: Claim, other: Claim): number => (one.index < other.index ? -1 : 1);
  const claims = found.filter(({ index }) => index >= next && index < end).toSorted(ascending);
  const events = standingOf(claims);
  const known = new Set(events.map(({ index }) => index));
  const contested = spansOf([...new Set(claims.map(({ index }) => index))].filter((index) => !known.has(index)));
  const missing: IndexSpan[] = [];
  let expected = next;
  for (const { index } of [...claims, { index: end }]) {
    if (index > expected) missing.push({ first: expected, last: index - 1n });
    expected = index + 1n;
  }
  return { events, missing, contested };
}
