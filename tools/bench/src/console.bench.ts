import { type Benchmark } from './benchmark.js';
import { measureConsole } from './console/scale.js';

const benchmark: Benchmark = {
  description:
    'the Trail of the console over ten thousand, one million and ten million events: pages, counts, live tail over HTTP, first events in a browser',
  run: measureConsole,
};
export default benchmark;
