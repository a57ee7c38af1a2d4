import { type Fault } from './export-faults.js';
import { SequenceRanges } from './sequence-ranges.js';

/** Milliseconds by which a number may be late: its redelivery takes half a minute. */
const GRACE_MS = 60_000;

interface Numbered {
  readonly logIndex: number;
  readonly source: string;
  readonly sequence: bigint;
  readonly time: number;
  readonly accountsFor?: { readonly source: string; readonly first: bigint; readonly last: bigint };
}

interface Known {
  readonly ranges: SequenceRanges;
  /** The first number of this export. */
  lowest: bigint;
  /** When the number after each gap was assigned. */
  readonly gapSeen: Map<bigint, number>;
}

/** Checks that each source's numbers are complete, each once. */
export class SourceSequences {
  readonly #known = new Map<string, Known>();
  readonly #repeated: Fault[] = [];
  #newest = 0;

  /** @param fromTheMiddle numbers below the first one of a source are then in an earlier part */
  constructor(private readonly fromTheMiddle: boolean) {}

  add({ logIndex, source, sequence, time, accountsFor }: Numbered): void {
    this.#newest = Math.max(this.#newest, time);
    if (!this.#note(source, sequence, time) && this.#repeated.length === 0) {
      const message = `number ${String(sequence)} of ${source} appears twice`;
      this.#repeated.push({ code: 'SEQUENCE_REPEATED', logIndex, source, sequence: String(sequence), message });
    }
    if (accountsFor !== undefined) this.#noteAll(accountsFor, time);
  }

  finish(): { readonly faults: readonly Fault[]; readonly sources: readonly { source: string; through: string }[] } {
    const faults: Fault[] = [...this.#repeated];
    const sources: { source: string; through: string }[] = [];
    for (const [source, { ranges, lowest, gapSeen }] of [...this.#known].sort()) {
      const gaps = ranges.missing().filter(({ last }) => !this.fromTheMiddle || last > lowest);
      const old = gaps.find(({ last }) => this.#newest - (gapSeen.get(last + 1n) ?? 0) > GRACE_MS);
      if (old !== undefined) {
        const range =
          old.first === old.last
            ? `number ${String(old.first)}`
            : `numbers ${String(old.first)} to ${String(old.last)}`;
        faults.push({
          code: 'SEQUENCE_GAP',
          source,
          sequence: String(old.first),
          message: `${range} of ${source} never reached the log`,
        });
      }
      sources.push({ source, through: String(gaps[0] === undefined ? ranges.highest : gaps[0].first - 1n) });
    }
    return { faults, sources };
  }

  /** Numbers that another event accounts for; a source may have skipped any number of them. */
  #noteAll(
    { source, first, last }: { readonly source: string; readonly first: bigint; readonly last: bigint },
    time: number,
  ): void {
    if (first === last) {
      this.#note(source, first, time);
      return;
    }
    const known = this.#known.get(source) ?? { ranges: new SequenceRanges(), lowest: first, gapSeen: new Map() };
    this.#known.set(source, known);
    known.ranges.addRange(first, last);
    known.gapSeen.set(first, time);
  }

  #note(source: string, sequence: bigint, time: number): boolean {
    const known = this.#known.get(source) ?? { ranges: new SequenceRanges(), lowest: sequence, gapSeen: new Map() };
    this.#known.set(source, known);
    if (sequence < known.lowest) known.lowest = sequence;
    const before = known.ranges.count;
    const isNew = known.ranges.add(sequence);
    if (known.ranges.count > before) known.gapSeen.set(sequence, time);
    return isNew;
  }
}
