import { missingAt, type Fault } from './export-faults.js';
import { SequenceRanges } from './sequence-ranges.js';

const REMEMBERED = 10_000;

/** What the order of lines is determined by. */
export interface Placed {
  readonly logIndex: number;
  /** Where what was left out in front of the line begins; the line's own index when nothing was. */
  readonly from: number;
}

/** Gets the lines in the log's order. */
export interface OrderListener<Line> {
  /** The line comes next in the log. */
  take(line: Line): void;
  /** The lines before this log index are not there. */
  absent(end: number): void;
}

/** Whether an export's lines are all there, each once and in place; distinguishes moved lines from missing ones. */
export class ExportOrder<Line extends Placed> {
  readonly #strays = new Map<number, { readonly line: Line; place: number }>();
  /** Lines that came before a line not yet seen, by its start. */
  readonly #early = new Map<number, { place: number }[]>();
  readonly #absent: { readonly first: number; readonly end: number }[] = [];
  readonly #late = new SequenceRanges();
  #held: Line | undefined;
  #moved: number | undefined;
  #inserted: number | undefined;
  #last: number | undefined;

  /**
   * @param next the log index at which the export begins
   * @param filtered whether it leaves events out on purpose
   */
  constructor(
    private next: number,
    private readonly filtered: boolean,
    private readonly listener: OrderListener<Line>,
  ) {}

  /** The log index that comes next. */
  get expected(): number {
    return this.next;
  }

  add(line: Line): void {
    const held = this.#held;
    this.#held = line;
    if (held !== undefined) this.#place(held, line.logIndex);
  }

  /** The export ends. @param from where what it leaves out at its end begins, if it says so */
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
      // The line before it is not one that this one knows of.
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

  /** Lines up to there are missing, unless they came earlier. */
  #reach(from: number): void {
    this.#recall();
    if (from <= this.next) return;
    const first = this.filtered ? from - 1 : this.next;
    this.#settle(this.next, first);
    this.#note(first, from);
    this.listener.absent(from);
    this.next = from;
  }

  /** It is known which event the early ones precede. */
  #settle(from: number, logIndex: number): void {
    for (const stray of this.#early.get(from) ?? []) stray.place = logIndex;
    this.#early.delete(from);
  }

  #note(first: number, end: number): void {
    if (this.#absent.length < REMEMBERED) this.#absent.push({ first, end });
  }

  /** The right places of lines that came too early. */
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
