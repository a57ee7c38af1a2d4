import { equal, toHex, type Bytes } from '#platform';
import { type Checkpoint } from './checkpoint.js';
import { type Peak, rootOfPeaks } from './compact-range.js';
import { type Fault, firstMismatch, inOrder, missingAt, type Mismatch } from './export-faults.js';
import { type ExportPart, PartCheck, type Skipped } from './export-part.js';
import { judgeLeafHashes, type LeafHashes } from './leaf-hashes.js';
import { SourceSequences } from './source-sequences.js';

/** One event of an export. */
export interface ExportedEntry {
  readonly logIndex: number;
  /** The hash of the event in the export. */
  readonly leaf: Bytes;
  /** The log's leaf hash at this index, if the export contains it: then the check can name what was changed, not only that something was. */
  readonly recorded?: Bytes;
  /** What is omitted before it. */
  readonly skipped?: Skipped;
  /** The hash of the complete tile that contains it, on the first event of each tile. */
  readonly tile?: Bytes;
  readonly source: string;
  readonly sequence: bigint;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Numbers of a source, both ends included, that this event accounts for: a dead letter, or an accepted gap. */
  readonly accountsFor?: { readonly source: string; readonly first: bigint; readonly last: bigint };
  /** Whether it replaces an event that a restore lost. */
  readonly lost?: boolean;
  /** That the log was restored from a backup and recovered: from `first` up to, but excluding, `end`. */
  readonly restored?: RestoredSpan;
}

/** The log indices that a restore had removed from the log. */
export interface RestoredSpan {
  readonly first: number;
  readonly end: number;
  /** Those of them that nobody had kept. */
  readonly lost: number;
}

/** What a check found. */
export interface ExportReport {
  /** Earliest and most exact first; empty if nothing was altered, removed, added or moved. */
  readonly faults: readonly Fault[];
  readonly entries: number;
  /** Events that no checkpoint covers yet. */
  readonly uncovered: number;
  /** Log indices that were examined: from `first` up to, but excluding, `end`. */
  readonly first: number;
  readonly end: number;
  /** Whether every event between them is present; otherwise each event is proven, but not that none was omitted. */
  readonly complete: boolean;
  readonly sources: readonly { readonly source: string; readonly through: string }[];
  /** Log indices whose events, according to the log, were lost in a restore; the first of them. */
  readonly lost: readonly number[];
}

/** The reference for an export. */
export interface ExportCheckOptions {
  /** Signed by the log and already verified. */
  readonly checkpoints: readonly Checkpoint[];
  /** Require every event from the oldest to the newest of two checkpoints, whatever the export says about itself. */
  readonly complete?: boolean;
  /** The log's leaf hashes, from a source other than the export: then any change can be named. */
  readonly hashes?: LeafHashes;
}

const MISMATCH_LIMIT = 10_000;
/** Maximum lost entries that a report names. */
const LOST_LIMIT = 1_000;
/** The verdict of an old checkpoint or old hashes on a log that was restored and did not recover everything. */
const CONTRADICTION = /^(LOG_REWRITTEN|LOG_FORKED|EVENT_ALTERED)$/;

const sameTree = (one: readonly Peak[], other: readonly Peak[]): boolean => equal(rootOfPeaks(one), rootOfPeaks(other));

/**
 * Checks exports and segments of the log offline against checkpoints, event by event in constant memory; reports the first of each kind of fault.
 * Each part: {@link begin}, {@link add} for each event, {@link end} for an export; then {@link finish}.
 */
export class ExportCheck {
  readonly #options: ExportCheckOptions;
  readonly #given: readonly Checkpoint[];
  readonly #signed: Checkpoint[];
  readonly #faults: Fault[] = [];
  readonly #mismatches: Mismatch[] = [];
  readonly #judged = new Set<Checkpoint>();
  #sequences = new SourceSequences(false);
  #part: PartCheck | undefined;
  readonly #lost: number[] = [];
  readonly #restored: { readonly span: RestoredSpan; readonly declaredAt: number }[] = [];
  #first = 0;
  #end = 0;
  #reach = 0;
  #entries = 0;
  #filtered = false;
  #cut = false;

  constructor(options: ExportCheckOptions) {
    this.#options = options;
    this.#given = [...options.checkpoints].sort((one, other) => one.size - other.size);
    this.#signed = [...this.#given];
  }

  /** Begins the next export or segment. */
  begin(part: ExportPart): void {
    const { first, filtered = false, checkpoint, bridge } = part;
    const leavesOut = filtered && this.#options.complete !== true;
    const before = this.#part;
    this.#close();
    for (const signed of [checkpoint, bridge?.checkpoint]) if (signed !== undefined) this.#signed.push(signed);
    const waiting = this.#given.filter((given) => !this.#judged.has(given));
    this.#part = new PartCheck(part, leavesOut, waiting);
    this.#filtered ||= leavesOut;
    if (before === undefined) {
      this.#first = first;
      this.#sequences = new SourceSequences(first > 0);
    } else this.#compareWith(before, this.#part, first, leavesOut);
  }

  /** Adds the next event; without a {@link begin} it belongs to an export from the log's beginning, without proofs. */
  add(entry: ExportedEntry): void {
    if (this.#part === undefined) this.begin({ first: 0, before: [] });
    this.#entries += 1;
    const { logIndex, leaf, skipped, tile } = entry;
    const recorded = this.#options.hashes?.at(logIndex) ?? entry.recorded ?? leaf;
    if (!equal(leaf, recorded) && this.#mismatches.length < MISMATCH_LIMIT) {
      this.#mismatches.push({ logIndex, leaf: toHex(leaf), recorded: toHex(recorded) });
    }
    this.#sequences.add(entry);
    if (entry.lost === true && this.#lost.length < LOST_LIMIT) this.#lost.push(logIndex);
    if (entry.restored !== undefined) this.#restored.push({ span: entry.restored, declaredAt: logIndex });
    this.#part?.add({
      logIndex,
      recorded,
      from: skipped?.from ?? logIndex,
      ...(skipped === undefined ? {} : { skipped }),
      ...(tile === undefined ? {} : { tile }),
    });
  }

  /** The export's end line. @param skipped what is omitted from its last event to the end of its checkpoint's tree */
  end(skipped: Skipped): void {
    this.#part?.end(skipped);
  }

  /** The report, once every event has been added. */
  finish(): ExportReport {
    this.#close();
    const { hashes, complete = false } = this.#options;
    const mismatch = firstMismatch(this.#mismatches);
    const places = [
      ...(mismatch === undefined ? [] : [mismatch]),
      // Whatever leaf hashes from elsewhere prove needs no proof in the export.
      ...this.#faults.filter(({ code }) => hashes === undefined || !/REWRITTEN|PROOF|FORKED/.test(code)),
      ...(hashes === undefined ? [] : judgeLeafHashes(hashes, this.#signed)),
      ...this.#forks(),
      ...this.#unproven(hashes?.size ?? -1),
      ...(complete ? this.#outside() : []),
    ];
    const { faults, sources } = this.#sequences.finish();
    const newest = Math.max(this.#first, ...this.#signed.map(({ size }) => size));
    return {
      faults: [
        ...inOrder(places).map((fault) => this.#explained(fault)),
        ...(this.#filtered ? faults.filter(({ code }) => code !== 'SEQUENCE_GAP') : faults),
      ],
      entries: this.#entries,
      uncovered: Math.max(0, this.#end - newest),
      first: this.#first,
      end: this.#end,
      complete: !this.#filtered,
      sources: this.#filtered ? [] : sources,
      lost: this.#lost,
    };
  }

  /** A loss that the log itself declares is not rewriting; it remains a fault, because an older checkpoint says otherwise. */
  #explained(fault: Fault): Fault {
    const { code, logIndex = 0, through = logIndex } = fault;
    const declared = this.#restored.find(
      ({ span }) => span.lost > 0 && logIndex < span.end && through >= span.first && CONTRADICTION.test(code),
    );
    if (declared === undefined) return fault;
    const { span, declaredAt } = declared;
    const range = `${String(span.first)} to ${String(span.end - 1)}`;
    const message = `the log was restored from a backup and lost ${String(span.lost)} of the entries ${range}, as it declares at index ${String(declaredAt)}; earlier signatures cover these`;
    return { ...fault, code: 'LOG_RESTORED', message };
  }

  #close(): void {
    const part = this.#part;
    if (part === undefined) return;
    this.#faults.push(...part.finish());
    for (const checkpoint of part.judged) this.#judged.add(checkpoint);
    this.#end = part.expected;
    this.#reach = Math.max(this.#reach, part.reach);
    this.#cut ||= part.peaks.now === undefined;
  }

  /** Whether the part continues where the previous one ended, in the same log. */
  #compareWith(before: PartCheck, part: PartCheck, first: number, filtered: boolean): void {
    const { expected } = before;
    if (first < expected) {
      const message = `the part from index ${String(first)} follows one that ends at ${String(expected - 1)}`;
      this.#faults.push({ code: 'EVENTS_REORDERED', logIndex: first, message });
    } else if (first > expected && !filtered) this.#faults.push(missingAt(expected, first));
    const { now } = before.peaks;
    const { began } = part.peaks;
    if (first === expected && now !== undefined && began !== undefined && !sameTree(now, began)) {
      const message = `the parts before and from index ${String(first)} do not belong to the same log`;
      this.#faults.push({ code: 'LOG_FORKED', logIndex: first, message });
    }
  }

  /** Two checkpoints of one size with different roots: the log has forked. */
  #forks(): readonly Fault[] {
    const roots = new Map<number, Bytes>();
    for (const { size, root } of this.#signed) {
      const known = roots.get(size);
      roots.set(size, root);
      if (known !== undefined && !equal(known, root)) {
        const message = `the log has signed two different trees of ${String(size)} leaves`;
        return [{ code: 'LOG_FORKED', logIndex: 0, message }];
      }
    }
    return [];
  }

  /** Checkpoints given that nothing was compared with. */
  #unproven(above: number): readonly Fault[] {
    const left = this.#given.filter(
      (given) =>
        given.size > above &&
        !this.#judged.has(given) &&
        !this.#signed.some((signed) => this.#judged.has(signed) && signed.size === given.size),
    );
    const beyond = left.find(({ size }) => size > this.#reach);
    const reach = Math.max(this.#reach, this.#end);
    if (beyond !== undefined) {
      const message = `the log is known here up to ${String(reach)} leaves, but the checkpoint has ${String(beyond.size)}: the events in between are missing`;
      return [{ code: 'LOG_TRUNCATED', logIndex: this.#end, message }];
    }
    const [first] = left;
    // If leaves are missing, that is the fault.
    if (first === undefined || this.#cut) return [];
    const message = `nothing here proves the checkpoint of ${String(first.size)} leaves; export with --checkpoint, or pass --hashes`;
    return [{ code: 'CHECKPOINT_UNPROVEN', message, logIndex: first.size }];
  }

  /** The part of the log between the two checkpoints that the export does not cover at its beginning or end. */
  #outside(): readonly Fault[] {
    const [oldest, newest] = [this.#given[0], this.#given.at(-1)];
    const begin = oldest === newest ? this.#first : (oldest?.size ?? this.#first);
    return [
      ...(this.#first > begin ? [missingAt(begin, this.#first)] : []),
      ...(newest !== undefined && this.#end < newest.size ? [missingAt(this.#end, newest.size)] : []),
    ];
  }
}
