import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

describe('tests that several spec files of one process share', () => {
  const results = join(root, 'tools/stack/test-results');
  let folder: string;

  beforeAll(() => {
    mkdirSync(results, { recursive: true });
    folder = mkdtempSync(join(results, 'shared-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('run in each of these files', () => {
    const shared = `import { expect, it } from '@jest/globals';
      export const walk = () => { it.each([1, 2])('is walked, %s', (n) => { expect([n]).toEqual([expect.any(Number)]); }); };`;
    const spec = `import { walk } from './walk.js';
      describe('a world', () => { walk(); });`;
    mkdirSync(join(folder, 'src'));
    for (const [file, text] of Object.entries({ 'walk.ts': shared, 'a.spec.ts': spec, 'b.spec.ts': spec }))
      writeFileSync(join(folder, 'src', file), text);
    const jest = join(root, 'node_modules/jest/bin/jest.js');
    const { stdout } = spawnSync(
      process.execPath,
      [jest, '--config', join(root, 'jest.config.mjs'), '--rootDir', folder, '-i', '--json'],
      { encoding: 'utf8' },
    );
    expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 4, numTotalTestSuites: 2 });
  }, 120_000);
});
