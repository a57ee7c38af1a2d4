import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { consistencySpans, edgeOf, spanHash } from '@countersign/merkle-log';
import { Background, CLOCK, LOGGER } from '@countersign/service-host';
import { type Logger } from 'pino';
import { LogStore } from '../log/log.store.js';
import { RetentionStore } from './retention.store.js';
import { segmentFile, segmentHead, segmentLine, type SegmentProof } from './segment.js';
import { writeSegment } from './segment-writer.js';

export const RETENTION_OPTIONS = Symbol('countersign.audit.retention-options');
export interface RetentionOptions {
  /** Days that events stay in the database; forever by default. */
  readonly days?: number | undefined;
  /** Where segments are written: storage shared by all replicas. */
  readonly directory?: string | undefined;
  /** Events per segment, a multiple of 256. */
  readonly segmentEvents: number;
}

const CHECK_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Moves whole segments that are old enough from the database to compressed files, each with its proofs (the pruning of C2SP tlog-tiles:
 * hashes and checkpoints stay, so old proofs stay valid).
 */
@Injectable()
export class RetentionService {
  constructor(
    @Inject(RETENTION_OPTIONS) private readonly options: RetentionOptions,
    @Inject(RetentionStore) private readonly store: RetentionStore,
    @Inject(LogStore) private readonly log: LogStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(Background) background: Background,
  ) {
    if (options.days === undefined) return;
    background.repeat({
      name: 'retention',
      everyMs: CHECK_EVERY_MS,
      run: async (signal) => {
        await this.sealDue(signal);
        return undefined;
      },
    });
  }

  /**
   * Seals all segments that are old enough.
   * @returns how many
   * @throws while the last segment is not in the directory: then it is the wrong directory, for example because a mount is missing, and what is moved
   * there may be lost
   */
  async sealDue(signal?: AbortSignal): Promise<number> {
    const sealed = await this.store.alone(async () => {
      await this.#mustHaveLast();
      await this.store.prune(signal);
      let segments = 0;
      while (signal?.aborted !== true && (await this.#sealNext(signal))) segments += 1;
      return segments;
    });
    return sealed ?? 0;
  }

  async #mustHaveLast(): Promise<void> {
    const file = await this.store.lastFile();
    const { directory } = this.options;
    if (file === undefined || directory === undefined) return;
    await access(join(directory, file)).catch((cause: unknown) => {
      const reason = `${file} is missing from RETENTION_DIRECTORY, where it was sealed: nothing more is sealed until it is back`;
      throw new Error(reason, { cause });
    });
  }

  /** @throws if it is aborted before the segment is written; then nothing of it is left */
  async #sealNext(signal: AbortSignal | undefined): Promise<boolean> {
    const { days, directory, segmentEvents } = this.options;
    if (days === undefined || directory === undefined) return false;
    const first = await this.store.minimumIndex();
    const end = first + segmentEvents;
    const cutoff = new Date(this.clock().getTime() - days * DAY_MS);
    const newest = await this.log.checkpoint();
    if (newest === undefined || newest.treeSize < end || !(await this.store.isOlder(end - 1, cutoff))) return false;
    const checkpoint = (await this.log.checkpointToKeep()) ?? newest;
    const proof = await this.#proofOf(first, end, checkpoint);
    await mkdir(directory, { recursive: true });
    const file = segmentFile(first);
    const sha256 = await writeSegment(directory, file, this.#lines(proof, signal));
    await this.store.seal({ first, end, file, sha256 });
    await this.store.prune(signal);
    this.logger.info({ first_index: first, end_index: end, file }, 'a segment was sealed');
    return true;
  }

  async #proofOf(first: number, end: number, checkpoint: { treeSize: number; note: string }): Promise<SegmentProof> {
    const spans = consistencySpans(end, checkpoint.treeSize);
    const known = await this.log.hashesOf(spans);
    return {
      first,
      end,
      edge: await this.log.tiles(edgeOf(first)),
      checkpoint: checkpoint.note,
      consistency: spans.map((span) => spanHash(span, known)),
    };
  }

  async *#lines(proof: SegmentProof, signal: AbortSignal | undefined): AsyncGenerator<string> {
    yield segmentHead(proof);
    for await (const event of this.store.events(proof.first, proof.end)) {
      signal?.throwIfAborted();
      yield segmentLine(event);
    }
  }
}
