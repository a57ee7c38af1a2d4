import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventDetails } from '@countersign/audit-event';
import {
  consistencySpans,
  encodeEntryBundle,
  formatTlogProof,
  inclusionSpans,
  spanHash,
  TILE_WIDTH,
  type TileAddress,
} from '@countersign/merkle-log';
import { AUDIT_OUTBOX, by, Problem, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { logStarting, type ConsistencyProof, type InclusionProof, type LogKey } from './log-answers.js';
import { LogKeysStore } from './log-keys.store.js';
import { LOG_SIGNERS, type LogSigners } from './log-signer.js';
import { LogStore, type SignedCheckpoint } from './log.store.js';

type WantedLeaf = { readonly index?: number; readonly event?: string; readonly size?: number };

const unknown = (detail: string): Problem => new Problem(404, 'NOT_IN_THE_LOG', detail);

/** Reads the log: checkpoint, tiles, proofs. */
@Injectable()
export class LogService {
  constructor(
    @Inject(LogStore) private readonly store: LogStore,
    @Inject(LOG_SIGNERS) private readonly signers: LogSigners,
    @Inject(LogKeysStore) private readonly keys: LogKeysStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** Every key that signs, or has signed, the log's checkpoints, newest first. */
  async verifierKeys(): Promise<readonly LogKey[]> {
    const known = await this.keys.read();
    const signing = new Set(this.signers.map(({ verifierKey }) => verifierKey));
    const keys = known.map(({ verifierKey, ...period }): LogKey => {
      const live = signing.has(verifierKey);
      return {
        verifier_key: verifierKey,
        signs: live,
        first_size: String(period.firstSize),
        first_at: period.firstAt.toISOString(),
        last_size: live ? null : String(period.lastSize),
        last_at: live ? null : period.lastAt.toISOString(),
      };
    });
    // A log that has not signed yet lists the key it will use.
    const fresh = [...signing].filter((key) => !known.some(({ verifierKey }) => verifierKey === key));
    return [
      ...fresh.map((key) => ({
        verifier_key: key,
        signs: true,
        first_size: null,
        first_at: null,
        last_size: null,
        last_at: null,
      })),
      ...keys,
    ];
  }

  async checkpoint(): Promise<SignedCheckpoint> {
    const checkpoint = await this.store.checkpoint();
    if (checkpoint === undefined) throw logStarting();
    return checkpoint;
  }

  /** The hashes of a tile. A narrower one is its prefix. */
  async tile({ level, index, width }: TileAddress & { level: number }): Promise<Buffer> {
    const [tile] = await this.store.tiles([{ level, index }]);
    const wanted = width * 32;
    if (tile === undefined || tile.hashes.length < wanted) throw unknown('The log does not have this tile yet.');
    return tile.hashes.subarray(0, wanted);
  }

  /** The events of a bundle. It reads the trail, so it is recorded before it is answered. */
  entries({ index, width }: TileAddress, caller: Caller): Promise<Buffer> {
    const first = index * TILE_WIDTH;
    const end = first + width;
    const about = { id: `${String(first)}-${String(end - 1)}` };
    return this.#recorded('entries.read', about, caller, () => this.#entries(first, end), { shown: width });
  }

  async #entries(first: number, end: number): Promise<Buffer> {
    const { treeSize } = await this.checkpoint();
    if (end > treeSize) throw unknown('The log does not have this bundle yet.');
    const entries = await this.store.entries(first, end);
    // Only now, because retention moves the minimum before it removes anything.
    const { minimumIndex } = await this.store.head();
    if (first < minimumIndex) {
      throw new Problem(
        410,
        'ENTRIES_SEALED',
        `Events below index ${String(minimumIndex)} were moved to sealed segments; read them there.`,
      );
    }
    if (entries.length !== end - first)
      throw new Problem(
        500,
        'LOG_DAMAGED',
        "Signed events are missing from audit's database; restore it from a backup.",
      );
    return encodeEntryBundle(entries.map(({ json }) => Buffer.from(json)));
  }

  /**
   * Proves that a leaf is in the tree of a size (RFC 9162, section 2.1.3).
   * @param wanted the leaf by `index` or by `event`; `size` is the newest checkpoint's by default
   */
  inclusion(wanted: WantedLeaf, caller: Caller): Promise<InclusionProof> {
    const { index, event, size = null } = wanted;
    const leaf =
      event === undefined
        ? ({ kind: 'log-entry', id: String(index) } as const)
        : ({ kind: 'event', id: event } as const);
    return this.#recorded('inclusion.proven', { ...leaf, changes: { size } }, caller, () => this.#inclusion(wanted));
  }

  async #inclusion(wanted: WantedLeaf): Promise<InclusionProof> {
    const checkpoint = await this.#checkpointAt(wanted.size);
    const index = wanted.index ?? (wanted.event === undefined ? undefined : await this.store.indexOf(wanted.event));
    if (index === undefined || index >= checkpoint.treeSize)
      throw unknown('There is no such leaf in a tree of this size.');
    const spans = inclusionSpans(index, checkpoint.treeSize);
    const leaf = { first: index, end: index + 1 };
    const root = { first: 0, end: checkpoint.treeSize };
    const known = await this.store.hashesOf([...spans, leaf, root]);
    const hashes = spans.map((span) => spanHash(span, known));
    return {
      log_index: String(index),
      tree_size: String(checkpoint.treeSize),
      leaf_hash: spanHash(leaf, known).toString('base64'),
      root_hash: spanHash(root, known).toString('base64'),
      hashes: hashes.map((hash) => hash.toString('base64')),
      tlog_proof:
        checkpoint.note === undefined ? null : formatTlogProof({ index, hashes, checkpoint: checkpoint.note }),
    };
  }

  /** Proves that the tree of size `to` begins with all of the tree of size `from` (RFC 9162, section 2.1.4). */
  async consistency(from: number, to: number | undefined, caller: Caller): Promise<ConsistencyProof> {
    const size = to ?? (await this.checkpoint()).treeSize;
    const about = { id: String(size), changes: { from } };
    return this.#recorded('consistency.proven', about, caller, () => this.#consistency(from, size));
  }

  async #consistency(from: number, to: number): Promise<ConsistencyProof> {
    const { treeSize } = await this.#checkpointAt(to);
    if (from > treeSize) throw unknown('`from` must not be greater than `to`.');
    const spans = consistencySpans(from, treeSize);
    const known = await this.store.hashesOf(spans);
    return {
      from: String(from),
      to: String(treeSize),
      hashes: spans.map((span) => spanHash(span, known).toString('base64')),
    };
  }

  /** The newest checkpoint, or any size below it; only some of those have a signed one. */
  async #checkpointAt(size: number | undefined): Promise<{ readonly treeSize: number; readonly note?: string }> {
    const latest = await this.checkpoint();
    if (size === undefined || size === latest.treeSize) return latest;
    if (size > latest.treeSize || size === 0) throw unknown(`The log has ${String(latest.treeSize)} leaves.`);
    return (await this.store.checkpoint(size)) ?? { treeSize: size };
  }

  /** Results and refusals are sent only once they are in the trail. */
  async #recorded<Made>(
    name: 'entries.read' | 'inclusion.proven' | 'consistency.proven',
    about: Omit<EventDetails<keyof typeof events.kinds>, 'action'>,
    caller: Caller,
    make: () => Promise<Made>,
    shown: Readonly<Record<string, unknown>> = {},
  ): Promise<Made> {
    const made = await make().catch(async (error: unknown) => {
      if (error instanceof Problem) {
        const failed = { ...about, outcome: 'failed', reason: error.code } as const;
        await this.outbox.recordDurably(events.event(name, by(caller), failed));
      }
      throw error;
    });
    const changes = { ...about.changes, ...shown };
    await this.outbox.recordDurably(events.event(name, by(caller), { ...about, changes }));
    return made;
  }
}
