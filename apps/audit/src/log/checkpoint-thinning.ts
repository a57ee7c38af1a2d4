const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long which checkpoints are kept. */
export interface CheckpointThinningOptions {
  /** Hours for which every one is kept; of older ones one an hour. */
  readonly fullHours: number;
  /** Days for which one an hour is kept; of older ones one a day. */
  readonly hourlyDays: number;
}

/** A checkpoint as far as its age is concerned. */
export interface AgedCheckpoint {
  readonly treeSize: number;
  readonly signedAt: Date;
  /** Evidence was handed out under it. */
  readonly kept: boolean;
}

/**
 * The checkpoints that may go: of each hour, later of each day (UTC), the last one stays, and with it every one that evidence was handed out under.
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
