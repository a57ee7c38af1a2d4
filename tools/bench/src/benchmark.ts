/** A figure with its goal. `value` misses the goal when it is on the wrong side of `goal`; it is printed anyway. */
export interface Metric {
  /** The name in the design's table of figures: `verify.first_seen.es256.ratio_floor`. */
  readonly metric: string;
  readonly value: number;
  /** Undefined for a figure that is only reported. */
  readonly goal?: number;
  readonly better: 'lower' | 'higher';
}

/** An additional figure for people: the parts of a ratio, a peer's result. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

export interface BenchmarkContext {
  /** Interleaved rounds; odd, so that the median is a round. */
  readonly rounds: number;
  /** Reports progress, on standard error. */
  progress(message: string): void;
  /** Whether a part of the benchmark is asked for: all are, unless `--only` names some. */
  wants(part: string): boolean;
  /** Adds a figure that the table shows beside the metrics. */
  measured(name: string, value: number, unit: string): void;
}

/** The default export of each benchmark file, `<name>.bench.ts`. */
export interface Benchmark {
  /** One sentence: what is compared with what, in one run. */
  readonly description: string;
  /** Names of what it can measure by itself, for `--only`; none where all is one. */
  readonly parts?: readonly string[];
  run(context: BenchmarkContext): Promise<readonly Metric[]>;
}

export function isBenchmark(value: unknown): value is Benchmark {
  return (
    typeof value === 'object' &&
    value !== null &&
    'description' in value &&
    typeof value.description === 'string' &&
    'run' in value &&
    typeof value.run === 'function'
  );
}

/** @returns whether the goal is met; a figure without a goal always is */
export function meetsGoal({ value, goal, better }: Metric): boolean {
  if (!Number.isFinite(value)) return false;
  if (goal === undefined) return true;
  return better === 'lower' ? value <= goal : value >= goal;
}
