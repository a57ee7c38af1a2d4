import { measureSearch } from './audit/search.js';
import { type Benchmark } from './benchmark.js';

const benchmark: Benchmark = {
  description:
    'a page of 50 from the audit trail, over HTTP: at ten million events against ten thousand, filter by filter',
  run: measureSearch,
};
export default benchmark;
