import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const built = resolve(import.meta.dirname, '../../built.mjs');

/** What one expression of tools/built.mjs gives, in its own process, as `npm start` asks it. */
function ask(expression: string): unknown {
  const script = `
    const { isBuilt, recordBuilt } = await import(${JSON.stringify(built)});
    process.stdout.write(JSON.stringify((${expression}) ?? null));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

describe('what is built', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-built-'));
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const quoted = JSON.stringify(root);
  const isBuilt = (): unknown => ask(`isBuilt(${quoted})`);
  /** A build that began so many milliseconds after everything was written. */
  const record = (afterMs: number): unknown => ask(`recordBuilt(${quoted}, ${String(Date.now() + afterMs)})`);

  beforeEach(() => {
    for (const file of ['package.json', 'package-lock.json', 'nx.json', 'tsconfig.base.json']) write(file, '{}');
    write('node_modules/.package-lock.json', '{}');
    for (const folder of ['apps', 'libs', 'tools', 'examples']) write(`${folder}/one/src/index.ts`, 'export {};');
    write('libs/one/dist/index.js', 'export {};');
    record(1_000);
  });

  it('is known after a build, until a file changes, also one that was built', () => {
    expect(isBuilt()).toBe(true);
    write('libs/one/node_modules/other/index.js', '');
    expect(isBuilt()).toBe(true);
    const changes = [
      () => {
        write('apps/one/src/index.ts', 'import {};');
      },
      () => {
        write('package-lock.json', '[]');
      },
      () => {
        write('libs/one/src/added.ts', '');
      },
      () => {
        rmSync(join(root, 'libs/one/dist/index.js'));
      },
      () => {
        renameSync(join(root, 'tools/one/src/index.ts'), join(root, 'tools/one/src/other.ts'));
      },
    ];
    for (const change of changes) {
      change();
      expect(isBuilt()).toBe(false);
      record(1_000);
      expect(isBuilt()).toBe(true);
    }
  });

  it('is not known where a source changed after its build began, since the build may have read either', () => {
    record(-1_000);
    expect(isBuilt()).toBe(false);
  });
});
