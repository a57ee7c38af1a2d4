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

/** What a plan came to. */
export interface RecoveryOutcome {
  /** Events that can be put back, each in a place of its own. */
  readonly events: number;
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

/** The highest number of a source's claims; `known` if none is higher. */
export function highestNumber(source: string, claims: readonly Claim[], known: bigint): bigint {
  return claims.reduce(
    (highest, claim) => (claim.source === source && claim.sequence > highest ? claim.sequence : highest),
    known,
  );
}

/** Whether a place is in one of these spans, which are in the log's order; to be asked in that order, too. */
export function placesIn(spans: readonly IndexSpan[]): (index: bigint) => boolean {
  let at = 0;
  return (index) => {
    while (at < spans.length && (spans[at]?.last ?? index) < index) at += 1;
    const span = spans[at];
    return span !== undefined && span.first <= index;
  };
}

/** Adds places behind all that are there. */
function extend(spans: { first: bigint; last: bigint }[], { first, last }: IndexSpan): void {
  const before = spans.at(-1);
  if (before !== undefined && before.last === first - 1n) before.last = last;
  else spans.push({ first, last });
}

/** The part of a log that can be restored to its place, found place by place: a log can have lost more events than memory holds. */
export class RecoveryPlan {
  #events = 0;
  readonly #missing: { first: bigint; last: bigint }[] = [];
  readonly #contested: { first: bigint; last: bigint }[] = [];
  /** The next place of which nothing is known. */
  #expected: bigint;

  /**
   * @param next the first index that the log does not have
   * @param end the index behind the last one that it had
   */
  constructor(
    next: bigint,
    private readonly end: bigint,
  ) {
    this.#expected = next;
  }

  /**
   * Takes the next places.
   * @param claims all claims to these places, in the log's order
   * @param rivals every other claim to the id or the number of one of them
   * @returns the claims that stand, each place once
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

  /** Ends the plan, after the last place. */
  finish(): RecoveryOutcome {
    this.#expect(this.end);
    return { events: this.#events, missing: this.#missing, contested: this.#contested };
  }

  /** Everything before a place is known, or missing. */
  #expect(index: bigint): void {
    if (index > this.#expected) extend(this.#missing, { first: this.#expected, last: index - 1n });
    this.#expected = index + 1n;
  }
}
