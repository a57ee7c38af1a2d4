// For compose: `docker compose run --rm sample [--json]` makes the sample payment against a running stack.
import { loadSampleTarget } from './sample-target.js';
import { jsonSummary, reportSample } from './report.js';
import { makeSamplePayment } from './sample-payment.js';
import { wordsFor } from './stack-error.js';

try {
  const startedAt = performance.now();
  const result = await makeSamplePayment(loadSampleTarget(process.env));
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  console.log(process.argv.includes('--json') ? jsonSummary(result, seconds) : reportSample(result));
  process.exitCode = result.ok ? 0 : 1;
} catch (error) {
  console.error(wordsFor(error));
  process.exitCode = 1;
}
