import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { type AgedCheckpoint } from './checkpoint-thinning.js';

const index = z.string().transform(Number).pipe(z.int().nonnegative());
const rowsSchema = z.array(
  z
    .object({ tree_size: index, signed_at: z.date(), kept: z.boolean() })
    .transform(({ tree_size: treeSize, signed_at: signedAt, kept }) => ({ treeSize, signedAt, kept })),
);

/** The signed checkpoints by their age. */
@Injectable()
export class CheckpointThinningStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  /** Checkpoints that were signed before the time, from a tree size on, in the order of their sizes. */
  async olderThan(time: Date, from: number, limit: number): Promise<readonly AgedCheckpoint[]> {
    const { rows } = await this.pool.query(
      `select tree_size, signed_at, exists (select from log_checkpoint_kept kept where kept.tree_size = log_checkpoint.tree_size) as kept
       from log_checkpoint where tree_size >= $2 and signed_at < $1 order by tree_size limit $3`,
      [time, from, limit],
    );
    return rowsSchema.parse(rows);
  }

  /** Removes them, except those that evidence has referred to in the meantime. */
  async remove(treeSizes: readonly number[]): Promise<void> {
    await this.pool.query(
      `delete from log_checkpoint where tree_size = any($1::bigint[])
         and not exists (select from log_checkpoint_kept kept where kept.tree_size = log_checkpoint.tree_size)`,
      [treeSizes],
    );
  }
}
