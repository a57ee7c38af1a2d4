// Jest's environment without a VM context: specs run among Node's own globals, and what a spec changes of them is put back after it.
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';

const mocker = new ModuleMocker(globalThis);

/** Milliseconds for a process to end once a test has failed: what the test left open must not keep it, and the whole suite, running forever. */
const END_LIMIT_MS = 20_000;
let failed = false;
let ending;

export default class NativeEnvironment {
  global = globalThis;
  fakeTimers = null;
  moduleMocker = mocker;

  constructor({ globalConfig, projectConfig }) {
    if (globalConfig.watch || globalConfig.watchAll)
      throw new Error('Modules stay loaded between runs, so Jest cannot watch; run the spec again instead.');
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    this.before = {
      console: globalThis.console,
      exit: process.exit,
      exitCode: process.exitCode,
      environment: { ...process.env },
      folder: process.cwd(),
    };
  }

  async setup() {
    clearTimeout(ending);
    // Node maps stack traces itself.
    Error.prepareStackTrace = undefined;
    // Jest asks for 100 frames of every error, and each `expect` makes one.
    Error.stackTraceLimit = 20;
  }

  handleTestEvent({ name }) {
    if (name === 'test_fn_failure' || name === 'hook_failure') failed = true;
  }

  async teardown() {
    this.fakeTimersModern.dispose();
    mocker.restoreAllMocks();
    globalThis.console = this.before.console;
    process.exit = this.before.exit;
    process.exitCode = this.before.exitCode;
    for (const name of Object.keys(process.env))
      if (!(name in this.before.environment)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, this.before.environment);
    if (process.cwd() !== this.before.folder) process.chdir(this.before.folder);
    if (failed) ending = setTimeout(() => process.exit(1), END_LIMIT_MS).unref();
  }

  getVmContext() {
    return null;
  }

  exportConditions() {
    return [];
  }
}
