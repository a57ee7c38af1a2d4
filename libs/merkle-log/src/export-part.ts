import { equal, type Bytes } from '#platform';
import { type Checkpoint } from './checkpoint.js';
import { type Peak } from './compact-range.js';
import { type Fault } from './export-faults.js';
import { ExportOrder } from './export-order.js';
import { verifyConsistency } from './proof.js';
import { coverOf } from './span.js';
import { TILE_WIDTH } from './tile-path.js';
import { StatedTree } from './stated-tree.js';
import { isHash } from './tree.js';

/** Replaces omitted leaves: the subtree hashes of {@link coverOf} from that index. */
export interface Skipped {
  readonly from: number;
  readonly hashes: readonly Bytes[];
}

/** Links the tree of a size to a later checkpoint if there is no checkpoint of that size, as in a sealed segment. */
export interface Bridge {
  readonly size: number;
  readonly checkpoint: Checkpoint;
  /** RFC 9162, section 2.1.4. */
  readonly proof: readonly Bytes[];
}

/** What one export or segment states about itself before its first event. */
export interface ExportPart {
  /** The log index at which it begins. */
  readonly first: number;
  /** Represents the leaves below: the hashes of {@link coverOf}. */
  readonly before: readonly Bytes[];
  /** Tree sizes that its proof passes through. */
  readonly passing?: readonly number[];
  /** Whether it omits events on purpose. */
  readonly filtered?: boolean;
  /** The signed one that an export was made under; the part then has an end line. */
  readonly checkpoint?: Checkpoint;
  readonly bridge?: Bridge;
}

/** The part of an event that concerns its place. */
export interface PartLine {
  readonly logIndex: number;
  readonly from: number;
  readonly recorded: Bytes;
  readonly skipped?: Skipped;
  readonly tile?: Bytes;
}

/** Checks that one part's leaves are those of its checkpoints, in constant memory. */
export class PartCheck {
  readonly #part: ExportPart;
  readonly #order: ExportOrder<PartLine>;
  readonly #waiting: Checkpoint[];
  readonly #judged = new Set<Checkpoint>();
  readonly #faults: Fault[] = [];
  readonly #began: readonly Peak[] | undefined;
  #tree = new StatedTree();
  #believed: number;
  #ended = false;

  /** @param checkpoints of the log, in the order of their sizes */
  constructor(part: ExportPart, filtered: boolean, checkpoints: readonly Checkpoint[]) {
    this.#part = part;
    this.#believed = part.first;
    this.#waiting = [...checkpoints];
    this.#order = new ExportOrder<PartLine>(part.first, filtered, {
      take: (line) => {
        this.#take(line);
      },
      absent: (end) => {
        this.#tree.skipTo(end);
        this.#pass();
      },
    });
    this.#pass();
    this.#cover({ from: 0, hashes: part.before }, part.first);
    this.#began = this.#tree.peaks;
  }

  /** The next log index. */
  get expected(): number {
    return this.#order.expected;
  }

  /** The trees before its first event and after its last one; undefined if leaves are unknown. */
  get peaks(): { readonly began: readonly Peak[] | undefined; readonly now: readonly Peak[] | undefined } {
    return { began: this.#began, now: this.#tree.size === this.expected ? this.#tree.peaks : undefined };
  }

  /** How far this part covers the log. */
  get reach(): number {
    return this.#part.checkpoint?.size ?? this.#part.bridge?.checkpoint.size ?? this.expected;
  }

  /** The checkpoints that it was compared with. */
  get judged(): ReadonlySet<Checkpoint> {
    return this.#judged;
  }

  add(line: PartLine): void {
    this.#order.add(line);
  }

  /** The end line. @param skipped what is omitted from the last event to the end of the checkpoint's tree */
  end(skipped: Skipped): void {
    const { checkpoint } = this.#part;
    this.#ended = true;
    this.#order.end(skipped.from);
    if (checkpoint === undefined) return;
    // The next part continues from here.
    const here = this.#tree;
    this.#tree = here.fork();
    this.#cover(skipped, checkpoint.size);
    if (this.#tree.size === checkpoint.size) this.#judge(checkpoint);
    this.#tree = here;
  }

  /** The faults, once everything has been added. */
  finish(): readonly Fault[] {
    const { checkpoint, bridge } = this.#part;
    if (!this.#ended) this.#order.end();
    const at = this.expected;
    if (checkpoint !== undefined && !this.#ended) {
      const message = `the export was cut off at index ${String(at)}: its end line is missing`;
      this.#fault({ code: 'LOG_TRUNCATED', logIndex: at, message });
    }
    if (bridge !== undefined && at < bridge.size) {
      const message = `the segment ends at index ${String(at)}; it has ${String(bridge.size)} leaves`;
      this.#fault({ code: 'LOG_TRUNCATED', logIndex: at, message });
    }
    return [...this.#faults, ...this.#order.faults()];
  }

  #take({ logIndex, from, recorded, skipped, tile }: PartLine): void {
    if (this.#tree.size < logIndex) this.#cover(skipped ?? { from, hashes: [] }, logIndex);
    if (!isHash(recorded) || (tile !== undefined && !isHash(tile))) {
      const message = `a hash at index ${String(logIndex)} does not have 32 bytes`;
      this.#fault({ code: 'PROOF_INVALID', logIndex, message });
      this.#tree.skipTo(logIndex + 1);
      return;
    }
    if (tile !== undefined) this.#tree.claim(tile);
    this.#tree.push(0, recorded);
    this.#pass();
  }

  #cover({ from, hashes }: Skipped, end: number): void {
    const subtrees = from === this.#tree.size ? coverOf({ first: from, end }, this.#part.passing) : [];
    const fits = from === this.#tree.size && subtrees.length === hashes.length && hashes.every(isHash);
    if (!fits) {
      if (from === this.#tree.size && this.#tree.peaks !== undefined) {
        const message = `the hashes for the indices ${String(from)} to ${String(end - 1)} are incomplete`;
        this.#fault({ code: 'PROOF_INVALID', logIndex: from, through: end - 1, message });
      }
      this.#tree.skipTo(end);
    }
    for (const [at, { height }] of fits ? subtrees.entries() : []) {
      const hash = hashes[at];
      if (hash !== undefined) this.#tree.push(height, hash);
      this.#pass();
    }
    this.#pass();
  }

  #pass(): void {
    const { size } = this.#tree;
    for (let next = this.#waiting[0]; next !== undefined && next.size <= size; next = this.#waiting[0]) {
      this.#waiting.shift();
      if (next.size === size) this.#judge(next);
    }
    const { bridge } = this.#part;
    if (bridge?.size === size) this.#crossBridge(bridge);
  }

  #judge(checkpoint: Checkpoint): void {
    const roots = this.#tree.roots();
    if (roots === undefined) return;
    this.#judged.add(checkpoint);
    const { size, root } = checkpoint;
    if (!equal(roots.computed, root)) {
      const { doubtful } = this.#tree;
      const placed = equal(roots.stated, root) ? doubtful : undefined;
      const first = placed ?? Math.min(this.#believed, Math.max(0, size - 1));
      this.#rewritten(first, placed === undefined ? size : placed + TILE_WIDTH, size);
    }
    this.#believed = Math.max(size, this.#believed);
  }

  #crossBridge({ size, checkpoint, proof }: Bridge): void {
    const roots = this.#tree.roots();
    if (roots === undefined || this.#judged.has(checkpoint)) return;
    this.#judged.add(checkpoint);
    if (!verifyConsistency(size, checkpoint.size, roots.computed, checkpoint.root, proof)) {
      this.#rewritten(this.#believed, size, checkpoint.size);
    }
  }

  #rewritten(first: number, end: number, size: number): void {
    const range = `${String(first)} to ${String(Math.max(first, end - 1))}`;
    this.#fault({
      code: 'LOG_REWRITTEN',
      logIndex: first,
      through: Math.max(first, end - 1),
      message: `the leaves from index ${range} do not match the checkpoint of ${String(size)}`,
    });
  }

  #fault(fault: Fault): void {
    if (!this.#faults.some(({ code }) => code === fault.code)) this.#faults.push(fault);
  }
}
