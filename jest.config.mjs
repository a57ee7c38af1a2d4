import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

// One configuration for every project; nx runs jest with --rootDir set to the project's own folder.
export default {
  testEnvironment: fileURLToPath(new URL('tools/specs/environment.mjs', import.meta.url)),
  runtime: fileURLToPath(new URL('tools/specs/runtime.mjs', import.meta.url)),
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  testTimeout: 30_000,
  // Specs mostly wait for processes that they started: on two cores, two projects with two specs each keep them busy.
  maxWorkers: Math.max(2, availableParallelism() - 1),
};
