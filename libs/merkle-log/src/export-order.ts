import { missingAt, type Fault } from './export-faults.js';
import { SequenceRanges } from './sequence-ranges.js';

const REMEMBERED = 10_000;

/** What determines the order of lines. */
export interface Placed {
  readonly logIndex: number;
  /** The start of what was omitted before the line; the line's own index if nothing was. */
  readonly from: number;
}

/** Receives the lines in the log's order. */
export interface OrderListener<Line> {
  /** The line is next in the log. */
  take(line: Line): void;
  /** The lines before this log index are missing. */
  absent(end: number): void;
}

/** Checks that an export's lines are complete, each once and in place; distinguishes moved lines from missing ones. */
export class ExportOrder<Line extends Placed> {
  readonly #strays = new Map<number, { readonly line: Line; place: number }>();
  /** Lines that arrived before a line not yet seen, by its start. */
  readonly #early = new Map<number, { place: number }[]>();
  readonly #absent: { readonly first: number; readonly end: number }[] = [];
  readonly #late = new SequenceRanges();
  #held: Line | undefined;
  #moved: number | undefined;
  #inserted: number | undefined;
  #last: number | undefined;

  /**
   * @param next the log index at which the export begins
   * @param filtered whether it omits events on purpose
   */
  constructor(
    private next: number,
    private readonly filtered: boolean,
    private readonly listener: OrderListener<Line>,
  ) {}

  /** The next log index. */
  get expected(): number {
    return this.next;
  }

  add(line: Line): void {
    const held = this.#held;
    this.#held = line;
    if (held !== undefined) this.#place(held, line.logIndex);
  }

  /** The export ends. @param from the start of what it omits at its end, if it says so */
  end(from?: number): void {
    if (this.#held !== undefined) this.#place(this.#held, undefined);
    this.#held = undefined;
    if (from !== undefined) this.#reach(from);
    else this.#recall();
  }

  faults(): readonly Fault[] {
    const faults: Fault[] = [];
    const stray = Math.min(...[...this.#strays.values()].map(({ place }) => place));
    const inserted = Math.min(this.#inserted ?? Number.POSITIVE_INFINITY, stray);
    if (Number.isFinite(inserted)) {
      const message = `the event at index ${String(inserted)} was inserted; the log already has all the others`;
      faults.push({ code: 'EVENT_INSERTED', logIndex: inserted, message });
    }
    if (this.#moved !== undefined) {
      const message = `the event of index ${String(this.#moved)} is not in its place`;
      faults.push({ code: 'EVENTS_REORDERED', logIndex: this.#moved, message });
    }
    const missing = this.#firstMissing();
    if (missing !== undefined) {
      faults.push(missingAt(missing.first, missing.end));
    }
    return faults;
  }

  #place(line: Line, follows: number | undefined): void {
    const { logIndex, from } = line;
    if (logIndex < this.next) {
      this.#takeLate(logIndex);
      return;
    }
    if (from > this.next) this.#recall();
    const early = follows !== undefined && follows >= this.next && follows < logIndex;
    if (from > this.next && early && this.#strays.size < REMEMBERED) {
      const stray = { line, place: this.next };
      this.#strays.set(from, stray);
      this.#early.set(this.next, [...(this.#early.get(this.next) ?? []), stray]);
      return;
    }
    this.#reach(from);
    if (from < this.next) {
      // The line before it is not the one that it names.
      this.#inserted = Math.min(this.#inserted ?? Number.POSITIVE_INFINITY, this.#last ?? logIndex);
      this.listener.absent(logIndex);
      this.#take(line, logIndex);
      return;
    }
    this.#take(line, from);
  }

  #take(line: Line, from: number): void {
    if (!this.filtered && from < line.logIndex) this.#note(from, line.logIndex);
    this.#settle(from, line.logIndex);
    this.listener.take(line);
    this.#last = line.logIndex;
    this.next = line.logIndex + 1;
  }

  /** Lines up to there are missing, unless they arrived earlier. */
  #reach(from: number): void {
    this.#recall();
    if (from <= this.next) return;
    const first = this.filtered ? from - 1 : this.next;
    this.#settle(this.next, first);
    this.#note(first, from);
    this.listener.absent(from);
    this.next = from;
  }

  /** Now it is known which event the early ones precede. */
  #settle(from: number, logIndex: number): void {
    for (const stray of this.#early.get(from) ?? []) stray.place = logIndex;
    this.#early.delete(from);
  }

  #note(first: number, end: number): void {
    if (this.#absent.length < REMEMBERED) this.#absent.push({ first, end });
  }

  /** The correct places of lines that arrived too early. */
  #recall(): void {
    for (let found = this.#strays.get(this.next); found !== undefined; found = this.#strays.get(this.next)) {
      this.#strays.delete(this.next);
      this.#isMoved(found.place);
      this.#take(found.line, found.line.from);
    }
  }

  #takeLate(logIndex: number): void {
    const wanted = this.#absent.some(({ first, end }) => first <= logIndex && logIndex < end);
    if (wanted && this.#late.add(BigInt(logIndex))) this.#isMoved(logIndex);
    else this.#inserted = Math.min(this.#inserted ?? Number.POSITIVE_INFINITY, logIndex);
  }

  #isMoved(place: number): void {
    this.#moved = Math.min(this.#moved ?? Number.POSITIVE_INFINITY, place);
  }

  #firstMissing(): { readonly first: number; readonly end: number } | undefined {
    for (const { first, end } of this.#absent) {
      let missing = first;
      while (missing < end && this.#late.has(BigInt(missing))) missing += 1;
      if (missing < end) return { first: missing, end };
    }
    return undefined;
  }
}
