// What `@jest/globals` gives to a spec. Jest makes these again for each spec file, and this module is loaded once in a process: so each use
// asks for those of the file that runs now. Tests that a second file shares with a first one would otherwise be added to the first, and be lost.
const ofRunningFile = (name) =>
  new Proxy(() => undefined, {
    apply: (_target, _self, given) => globalThis[name](...given),
    get: (_target, key) => globalThis[name][key],
  });

export const afterAll = ofRunningFile('afterAll');
export const afterEach = ofRunningFile('afterEach');
export const beforeAll = ofRunningFile('beforeAll');
export const beforeEach = ofRunningFile('beforeEach');
export const describe = ofRunningFile('describe');
export const expect = ofRunningFile('expect');
export const it = ofRunningFile('it');
export const jest = ofRunningFile('jest');
export const test = ofRunningFile('test');
