import { type Benchmark } from './benchmark.js';
import { measureIngest } from './audit/ingest.js';

const benchmark: Benchmark = {
  description:
    'events/s from a filled stream into the log (checked, sequenced, hashed, committed), against a raw batched insert of the same rows',
  run: (context) => measureIngest(context),
};
export default benchmark;
