import { type AuditEvent } from '@countersign/audit-event';

/** A recovered event, with its original log index. */
export interface RecoveredEvent {
  readonly index: bigint;
  readonly event: AuditEvent;
  /** The salts of its commitments, by path. */
  readonly salts: Readonly<Record<string, string>>;
}

/** A recovered event's claim to a log index. */
export interface Claim {
  readonly index: bigint;
  readonly id: string;
  readonly source: string;
  readonly sequence: bigint;
  /** Whether its source has proven that audit sent it this log index for this number. */
  readonly proven: boolean;
}

/** Both ends are included. */
export interface IndexSpan {
  readonly first: bigint;
  readonly last: bigint;
}

/** What a plan came to. */
export interface RecoveryOutcome {
  /** Events that can be restored, each with its own log index. */
  readonly events: number;
  /** Log indices without a claim. */
  readonly missing: readonly IndexSpan[];
  /** Log indices with conflicting claims that cannot be resolved. */
  readonly contested: readonly IndexSpan[];
}

/** Claims that no other claim to the same log index, id or number contradicts, unless only this one is proven. */
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

/** The highest number among a source's claims; `known` if none is higher. */
export function highestNumber(source: string, claims: readonly Claim[], known: bigint): bigint {
  return claims.reduce(
    (highest, claim) => (claim.source === source && claim.sequence > highest ? claim.sequence : highest),
    known,
  );
}

/** Whether a log index is in one of these spans; both the spans and the calls must be in the log's order. */
export function placesIn(spans: readonly IndexSpan[]): (index: bigint) => boolean {
  let at = 0;
  return (index) => {
    while (at < spans.length && (spans[at]?.last ?? index) < index) at += 1;
    const span = spans[at];
    return span !== undefined && span.first <= index;
  };
}

/** Adds log indices after all existing ones. */
function extend(spans: { first: bigint; last: bigint }[], { first, last }: IndexSpan): void {
  const before = spans.at(-1);
  if (before !== undefined && before.last === first - 1n) before.last = last;
  else spans.push({ first, last });
}

/** Finds the part of a log that can be restored, index by index, because a log can have lost more events than fit in memory. */
export class RecoveryPlan {
  #events = 0;
  readonly #missing: { first: bigint; last: bigint }[] = [];
  readonly #contested: { first: bigint; last: bigint }[] = [];
  /** The next undecided log index. */
  #expected: bigint;

  /**
   * @param next the first index that the log lacks
   * @param end the index after the last one that it had
   */
  constructor(
    next: bigint,
    private readonly end: bigint,
  ) {
    this.#expected = next;
  }

  /**
   * Decides the next log indices.
   * @param claims all claims to these log indices, in the log's order
   * @param rivals every other claim to one of their ids or numbers
   * @returns the valid claims, one per log index
   */
  take(claims: readonly Claim[], rivals: readonly Claim[]): readonly Claim[] {
    const standing = new Set(standingOf([...claims, ...rivals]));
    const events = claims.filter((claim) => standing.has(claim));
    const known = new Set(events.map(({ index }) => index));
    for (const { index } of claims) {
      if (index < this.#expected) continue;
      this.#expect(index);
      if (!known.has(index)) extend(this.#contested, { first: index, last: index });
    }
    this.#events += events.length;
    return events;
  }

  /** Ends the plan, after the last log index. */
  finish(): RecoveryOutcome {
    this.#expect(this.end);
    return { events: this.#events, missing: this.#missing, contested: this.#contested };
  }

  /** Everything before a log index is either known or missing. */
  #expect(index: bigint): void {
    if (index > this.#expected) extend(this.#missing, { first: this.#expected, last: index - 1n });
    this.#expected = index + 1n;
  }
}
