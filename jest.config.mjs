import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

// One configuration for every project; nx runs jest with --rootDir set to the project's own folder.
export default {
  testEnvironment: fileURLToPath(new URL('tools/specs/environment.mjs', import.meta.url)),
  runtime: fileURLToPath(new URL('tools/specs/runtime.mjs', import.meta.url)),
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // A limit for what hangs, not for what is slow: on a busy machine a command of a second takes half a minute.
  testTimeout: 120_000,
  // Each worker loads what its specs import, two seconds of an app: on two cores, one is quickest. The stack's specs wait for processes.
  maxWorkers: Math.max(process.cwd().endsWith('tools/stack') ? 2 : 1, availableParallelism() - 1),
};
