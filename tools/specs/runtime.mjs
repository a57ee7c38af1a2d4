// Jest's runtime on Node's own module loader: a module is loaded once in a process and shared by its spec files. Jest's own runtime
// compiles and evaluates every module again for every file, which took a third of the time of the whole suite.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { withOneMatcher } from './one-matcher.mjs';
import { loadTypeScript } from './typescript.mjs';

const require = createRequire(import.meta.url);
const EVENT_HANDLERS = Symbol.for('EVENT_HANDLERS');
loadTypeScript();

export default class NativeRuntime {
  constructor(_config, { fakeTimersModern: timers, moduleMocker: mocker }) {
    globalThis.jest = {
      fn: mocker.fn.bind(mocker),
      spyOn: mocker.spyOn.bind(mocker),
      restoreAllMocks: mocker.restoreAllMocks.bind(mocker),
      useFakeTimers: (config) => timers.useFakeTimers(config),
      useRealTimers: () => timers.useRealTimers(),
      advanceTimersByTimeAsync: (milliseconds) => timers.advanceTimersByTimeAsync(milliseconds),
    };
  }

  /** Jest's own parts. Circus keeps the tests of one file, so each file gets a new one. */
  requireInternalModule(path) {
    Reflect.deleteProperty(globalThis, EVENT_HANDLERS);
    Reflect.deleteProperty(require.cache, path);
    return require(path);
  }

  requireModule(path) {
    return require(path);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(path) {
    await import(pathToFileURL(path).href);
  }

  setGlobalsForRuntime(globals) {
    globals.expect = withOneMatcher(globals.expect);
  }

  getSourceMaps() {
    return new Map();
  }

  getAllCoverageInfoCopy() {
    return undefined;
  }

  enterTestCode() {}
  leaveTestCode() {}
  teardown() {}
}
