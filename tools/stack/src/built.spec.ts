import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';

const built = resolve(import.meta.dirname, '../../built.mjs');
const oneAtATime = resolve(import.meta.dirname, '../../one-at-a-time.mjs');

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

describe('what only one command may do at a time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-turns-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  /** Runs a script that has `takeTurn`. */
  const start = (script: string) => {
    const code = `const { takeTurn } = await import(${JSON.stringify(oneAtATime)});${script}`;
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    const { stdin, stdout } = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: [...stdio] });
    const lines = createInterface(stdout)[Symbol.asyncIterator]();
    return { stdin, next: async () => String((await lines.next()).value) };
  };

  it('is done by one of two that begin at one moment, where a killed one left its mark', async () => {
    const marks = Array.from({ length: 100 }, (_, round) => join(folder, String(round)));
    // No process has this number.
    for (const mark of marks) writeFileSync(mark, '4194305');
    const both = [0, 1].map(() =>
      start(`
        console.log('ready');
        process.stdin.once('data', async (start) => {
          const taken = [];
          for (const [round, mark] of ${JSON.stringify(marks)}.entries()) {
            while (Date.now() < Number(start) + round * 2);
            await takeTurn(mark, () => undefined, AbortSignal.abort()).then(() => taken.push(mark), () => undefined);
          }
          console.log(JSON.stringify(taken));
        });`),
    );
    expect(await Promise.all(both.map(({ next }) => next()))).toEqual(['ready', 'ready']);
    for (const { stdin } of both) stdin.write(String(Date.now() + 20));
    const lines = await Promise.all(both.map(({ next }) => next()));
    const taken = lines.flatMap((line) => z.array(z.string()).parse(JSON.parse(line)));
    expect(taken.sort()).toEqual([...marks].sort());
    for (const { stdin } of both) stdin.end();
  });

  it('is waited for by the next, which says so once', async () => {
    const { next } = start(`
      const mark = ${JSON.stringify(join(folder, 'waited', 'for'))};
      const waited = [];
      const release = await takeTurn(mark, () => undefined);
      const second = takeTurn(mark, (holder) => waited.push(holder === process.pid));
      setTimeout(release, 300);
      (await second)();
      console.log(JSON.stringify(waited));
      process.exit();`);
    expect(await next()).toBe('[true]');
  });
});
