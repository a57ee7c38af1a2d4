import { Inject, Injectable } from '@nestjs/common';
import { Background, CLOCK } from '@countersign/service-host';
import { redundant, type CheckpointThinningOptions } from './checkpoint-thinning.js';
import { CheckpointThinningStore } from './checkpoint-thinning.store.js';

export { type CheckpointThinningOptions } from './checkpoint-thinning.js';
export const CHECKPOINT_THINNING_OPTIONS = Symbol('countersign.audit.checkpoint-thinning-options');

const CHECK_EVERY_MS = 600_000;
const PORTION = 5_000;
const HOUR_MS = 3_600_000;

/** Thins the signed checkpoints as they age; tiles stay, so that a proof for any size can always be made. Several replicas may do this concurrently. */
@Injectable()
export class CheckpointThinningService {
  constructor(
    @Inject(CHECKPOINT_THINNING_OPTIONS) private readonly options: CheckpointThinningOptions,
    @Inject(CheckpointThinningStore) private readonly store: CheckpointThinningStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) background: Background,
  ) {
    background.repeat({
      name: 'checkpoint_thinning',
      everyMs: CHECK_EVERY_MS,
      run: async (signal) => {
        await this.thin(signal);
        return undefined;
      },
    });
  }

  /** Removes all that are no longer needed. @returns how many */
  async thin(signal?: AbortSignal): Promise<number> {
    const now = this.clock();
    const old = new Date(now.getTime() - this.options.fullHours * HOUR_MS);
    let removed = 0;
    for (let from = 0; signal?.aborted !== true;) {
      const portion = await this.store.olderThan(old, from, PORTION);
      const sizes = redundant(portion, this.options, now);
      if (sizes.length > 0) await this.store.remove(sizes);
      removed += sizes.length;
      if (portion.length < PORTION) break;
      // The last one may share its hour with later ones.
      from = portion.at(-1)?.treeSize ?? from;
    }
    return removed;
  }
}
