const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long checkpoints are kept. */
export interface CheckpointThinningOptions {
  /** Hours for which every one is kept; after that, one per hour. */
  readonly fullHours: number;
  /** Days for which one per hour is kept; after that, one per day. */
  readonly hourlyDays: number;
}

/** A checkpoint's age and use. */
export interface AgedCheckpoint {
  readonly treeSize: number;
  readonly signedAt: Date;
  /** Whether evidence refers to it. */
  readonly kept: boolean;
}

/**
 * The checkpoints to remove: for each hour, later for each day (UTC), the last one stays, and so does every one that evidence refers to.
 * @param checkpoints in the order of their sizes
 */
export function redundant(
  checkpoints: readonly AgedCheckpoint[],
  { fullHours, hourlyDays }: CheckpointThinningOptions,
  now: Date,
): readonly number[] {
  const bucketOf = ({ signedAt }: AgedCheckpoint): string | undefined => {
    const age = now.getTime() - signedAt.getTime();
    if (age <= fullHours * HOUR_MS) return undefined;
    const width = age > hourlyDays * DAY_MS ? DAY_MS : HOUR_MS;
    return `${String(width)}/${String(Math.floor(signedAt.getTime() / width))}`;
  };
  return checkpoints
    .filter((checkpoint, at) => {
      const next = checkpoints[at + 1];
      const bucket = bucketOf(checkpoint);
      return next !== undefined && !checkpoint.kept && bucket !== undefined && bucketOf(next) === bucket;
    })
    .map(({ treeSize }) => treeSize);
}
