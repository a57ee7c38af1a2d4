import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import {
  consistencySpans,
  encodeEntryBundle,
  formatTlogProof,
  inclusionSpans,
  spanHash,
  TILE_WIDTH,
  type TileAddress,
} from '@countersign/merkle-log';
import { AUDIT_OUTBOX, auditRequest, Problem, type RequestTrace } from '@countersign/service-host';
import { type InclusionProof, type ConsistencyProof, type LogKey } from './log-answers.js';
import { LogKeysStore } from './log-keys.store.js';
import { LOG_SIGNERS, type LogSigners } from './log-signer.js';
import { LogStore, type SignedCheckpoint } from './log.store.js';

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

  /** Every key that signs the log's checkpoints or has signed some, the newest first. */
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
    // A log that has not signed yet says by which key it will.
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
    if (checkpoint === undefined)
      throw new Problem(503, 'LOG_STARTING', 'The first checkpoint is not signed yet; retry in a moment.');
    return checkpoint;
  }

  /** The hashes of a tile. A narrower one than stands here is its beginning. */
  async tile({ level, index, width }: TileAddress & { level: number }): Promise<Buffer> {
    const [tile] = await this.store.tiles([{ level, index }]);
    const wanted = width * 32;
    if (tile === undefined || tile.hashes.length < wanted) throw unknown('The log does not have this tile yet.');
    return tile.hashes.subarray(0, wanted);
  }

  /** The events of a bundle. It is a look into the trail, so it is recorded before it is answered. */
  async entries({ index, width }: TileAddress, caller: Principal, trace: RequestTrace): Promise<Buffer> {
    const first = index * TILE_WIDTH;
    const end = first + width;
    const { treeSize } = await this.checkpoint();
    if (end > treeSize) throw unknown('The log does not have this bundle yet.');
    const { minimumIndex } = await this.store.head();
    if (first < minimumIndex) {
      throw new Problem(
        410,
        'ENTRIES_SEALED',
        `Events below index ${String(minimumIndex)} were moved to sealed segments; read them there.`,
      );
    }
    const entries = await this.store.entries(first, end);
    if (entries.length !== width) throw new Problem(500, 'LOG_DAMAGED', 'Events of this bundle are missing.');
    await this.#recordLook(`log/entries/${String(first)}-${String(end - 1)}`, width, caller, trace);
    return encodeEntryBundle(entries.map(({ json }) => Buffer.from(json)));
  }

  /**
   * Proves that a leaf is in the tree of a size (RFC 9162, section 2.1.3).
   * @param size the newest checkpoint's by default
   */
  async inclusion(wanted: { index?: number; event?: string; size?: number }): Promise<InclusionProof> {
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
  async consistency(from: number, to?: number): Promise<ConsistencyProof> {
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

  async #recordLook(resource: string, shown: number, caller: Principal, trace: RequestTrace): Promise<void> {
    await this.outbox.recordDurably({
      type: 'countersign.audit.entries.read.v1',
      subject: resource,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action: 'audit:read',
        resource,
        outcome: 'allowed',
        request: auditRequest(trace),
        changes: { shown },
      },
    });
  }
}
