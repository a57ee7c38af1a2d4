import { equal, zeros, type Bytes } from '#platform';
import { type Checkpoint } from './checkpoint.js';
import { CompactRange, rootOfPeaks } from './compact-range.js';
import { type Fault } from './export-faults.js';
import { HASH_LENGTH, isHash } from './tree.js';

/** The log's leaf hashes from its beginning, as in its level-0 tiles. */
export interface LeafHashes {
  /** How many there are. */
  readonly size: number;
  at(logIndex: number): Bytes | undefined;
}

/** Whether leaf hashes match each checkpoint; checkpoints beyond them are ignored. */
export function judgeLeafHashes(hashes: LeafHashes, checkpoints: readonly Checkpoint[]): readonly Fault[] {
  const within = checkpoints.filter(({ size }) => size <= hashes.size).sort((one, other) => one.size - other.size);
  const range = new CompactRange();
  let size = 0;
  let believed = 0;
  for (const checkpoint of within) {
    for (; size < checkpoint.size; size += 1) {
      const hash = hashes.at(size);
      range.push(0, hash !== undefined && isHash(hash) ? hash : zeros(HASH_LENGTH));
    }
    if (!equal(rootOfPeaks(range.peaks), checkpoint.root)) {
      const [from, to, tree] = [believed, size - 1, size].map(String);
      const message = `the leaf hashes ${from ?? ''} to ${to ?? ''} do not match the checkpoint of ${tree ?? ''}`;
      return [{ code: 'LOG_REWRITTEN', logIndex: believed, through: Math.max(believed, size - 1), message }];
    }
    believed = size;
  }
  if (within.length > 0) return [];
  const message = 'no checkpoint matches the number of leaf hashes; fetch them again';
  return [{ code: 'CHECKPOINT_UNPROVEN', message }];
}
