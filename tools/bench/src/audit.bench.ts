import { type Benchmark } from './benchmark.js';
import { measureIngest } from './audit/ingest.js';
import { measureSearch } from './audit/search.js';

const benchmark: Benchmark = {
  description:
    'events/s from a filled stream into the log (checked, sequenced, hashed, committed), against a raw batched insert of the same rows, fsync off for both; then a page of the trail, as audit-search',
  run: async (context) => [...(await measureIngest(context)), ...(await measureSearch(context))],
};
export default benchmark;
