import { type Checkpoint } from './checkpoint.js';
import { type Fault, firstMismatch, type Mismatch } from './export-faults.js';
import { GrowingTree } from './growing-tree.js';
import { SourceSequences } from './source-sequences.js';
import { verifyConsistency } from './proof.js';
import { type Tile } from './tiles.js';

/** One event of an export. */
export interface ExportedEntry {
  readonly logIndex: number;
  /** The hash of the event as it stands in the export. */
  readonly leaf: Buffer;
  /** The leaf hash that the log holds at this index, where the export carries it: then what was changed can be named, not only that. */
  readonly recorded?: Buffer;
  readonly source: string;
  readonly sequence: bigint;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** The number of a source that this event says to be in the dead letters. */
  readonly accountsFor?: { readonly source: string; readonly sequence: bigint };
}

/** What a check found. */
export interface ExportReport {
  /** In the log's order; none: nothing was altered, removed, added or moved between the checkpoints. */
  readonly faults: readonly Fault[];
  readonly entries: number;
  /** Events that no given checkpoint covers yet. */
  readonly uncovered: number;
  readonly sources: readonly { readonly source: string; readonly through: string }[];
}

export interface ExportCheckOptions {
  /** Signed by the log and already opened; each must be a tree that the export passes through. */
  readonly checkpoints: readonly Checkpoint[];
  /** Where the export begins, with the unfinished tiles of the tree before it; at the log's beginning by default. */
  readonly start?: { readonly size: number; readonly edge: readonly Tile[] };
}

/** Ties the tree of a size to a later checkpoint, where no checkpoint of that size is at hand: as a sealed segment does. */
export interface Bridge {
  readonly size: number;
  readonly checkpoint: Checkpoint;
  /** RFC 9162, section 2.1.4. */
  readonly proof: readonly Buffer[];
}

const MISMATCH_LIMIT = 10_000;
const CHUNK = 256;

/** Checks an export of the log offline against checkpoints, event by event in constant memory; tells the first of each kind of fault. */
export class ExportCheck {
  readonly #tree: GrowingTree;
  readonly #checkpoints: Checkpoint[];
  readonly #sequences: SourceSequences;
  readonly #faults: Fault[] = [];
  readonly #mismatches: Mismatch[] = [];
  readonly #start: number;
  #bridges: Bridge[] = [];
  #waiting: Buffer[] = [];
  #next: number;
  #entries = 0;
  #believed: number;
  readonly #newest: number;
  /** Once an index is missing the roots above cannot be known. */
  #whole = true;

  /** @throws {RangeError} when the start's tiles do not fit its size */
  constructor({ checkpoints, start = { size: 0, edge: [] } }: ExportCheckOptions) {
    this.#tree = new GrowingTree(start.size, start.edge);
    this.#start = start.size;
    this.#next = start.size;
    this.#believed = start.size;
    this.#sequences = new SourceSequences(start.size > 0);
    this.#checkpoints = [...checkpoints].sort((one, other) => one.size - other.size);
    this.#newest = this.#checkpoints.at(-1)?.size ?? 0;
    this.#compareTwins();
    while ((this.#checkpoints[0]?.size ?? Number.POSITIVE_INFINITY) < start.size) this.#checkpoints.shift();
    this.#passCheckpoints();
  }

  /** Has the tree of the bridge's size compared when the export gets there. */
  expect(bridge: Bridge): void {
    this.#bridges.push(bridge);
  }

  /** Takes the next event of the export. */
  add(entry: ExportedEntry): void {
    this.#entries += 1;
    if (entry.logIndex < this.#next) {
      this.#fault(
        'EVENTS_REORDERED',
        entry.logIndex,
        `the event of index ${String(entry.logIndex)} stands behind later ones`,
      );
      return;
    }
    if (entry.logIndex > this.#next) {
      const last = entry.logIndex - 1;
      const range =
        last === this.#next ? `index ${String(last)}` : `the indices ${String(this.#next)} to ${String(last)}`;
      this.#fault('EVENT_MISSING', this.#next, `there is no event at ${range}`);
      this.#whole = false;
    }
    this.#next = entry.logIndex + 1;
    const { leaf, recorded = leaf } = entry;
    if (!leaf.equals(recorded) && this.#mismatches.length < MISMATCH_LIMIT) {
      this.#mismatches.push({
        logIndex: entry.logIndex,
        leaf: leaf.toString('hex'),
        recorded: recorded.toString('hex'),
      });
    }
    this.#sequences.add(entry);
    if (!this.#whole) return;
    this.#waiting.push(recorded);
    const stop = this.#next === this.#checkpoints[0]?.size || this.#bridges.some(({ size }) => size === this.#next);
    if (stop || this.#waiting.length === CHUNK) this.#passCheckpoints();
  }

  /** The report, once every event was added. */
  finish(): ExportReport {
    this.#passCheckpoints();
    const newest = Math.max(this.#newest, ...this.#bridges.map(({ size }) => size));
    if (this.#next < newest) {
      this.#fault(
        'LOG_TRUNCATED',
        this.#next,
        `the export ends at index ${String(this.#next)}; the checkpoint has ${String(newest)} leaves`,
      );
    }
    const mismatch = firstMismatch(this.#mismatches);
    const { faults, sources } = this.#sequences.finish();
    const all = [...(mismatch === undefined ? [] : [mismatch]), ...this.#faults].sort(
      (one, other) => (one.logIndex ?? 0) - (other.logIndex ?? 0),
    );
    return {
      faults: [...all, ...faults],
      entries: this.#entries,
      uncovered: Math.max(0, this.#next - Math.max(newest, this.#start)),
      sources,
    };
  }

  /** Two checkpoints of one size with different roots: the log has told two stories. */
  #compareTwins(): void {
    this.#checkpoints.forEach((checkpoint, at) => {
      const before = this.#checkpoints[at - 1];
      if (before?.size === checkpoint.size && !before.root.equals(checkpoint.root)) {
        this.#fault('LOG_FORKED', 0, `the log has signed two different trees of ${String(checkpoint.size)} leaves`);
      }
    });
  }

  #passCheckpoints(): void {
    if (this.#waiting.length > 0) this.#tree.append(Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#passBridges();
    for (let first = this.#checkpoints[0]; first !== undefined && this.#whole; first = this.#checkpoints[0]) {
      if (first.size !== this.#tree.size) return;
      this.#checkpoints.shift();
      if (!this.#tree.root().equals(first.root)) {
        this.#fault(
          'LOG_REWRITTEN',
          this.#believed,
          `the leaves from index ${String(this.#believed)} to ${String(first.size - 1)} are not those of the checkpoint of ${String(first.size)}`,
        );
      }
      this.#believed = first.size;
    }
  }

  #passBridges(): void {
    const { size } = this.#tree;
    for (const { checkpoint, proof } of this.#bridges.filter((bridge) => bridge.size === size && this.#whole)) {
      if (!verifyConsistency(size, checkpoint.size, this.#tree.root(), checkpoint.root, proof)) {
        this.#fault(
          'LOG_REWRITTEN',
          this.#believed,
          `the leaves below index ${String(size)} do not lead to the checkpoint of ${String(checkpoint.size)}`,
        );
      }
    }
    this.#bridges = this.#bridges.filter((bridge) => bridge.size !== size);
  }

  #fault(code: Fault['code'], logIndex: number, message: string): void {
    if (!this.#faults.some((known) => known.code === code)) this.#faults.push({ code, logIndex, message });
  }
}
