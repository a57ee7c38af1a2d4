export { type Benchmark, type BenchmarkContext, type Measured, type Metric } from './benchmark.js';
export { pinned, type PinnedOptions } from './pinned.js';
export { interleave, type Candidate, type InterleaveOptions } from './rounds.js';
export { median, percentile } from './statistics.js';
