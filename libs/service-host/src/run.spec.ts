import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Without the folder for compiled code that a whole test run names.
const environment = { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: undefined };
/** The sources as they are, whose files name each other as `.js`. */
const typescript = `data:text/javascript,import { loadTypeScript } from '${pathToFileURL(join(import.meta.dirname, '../../../tools/specs/typescript.mjs')).href}'; loadTypeScript();`;
const run = (script: string): { readonly code: number | null; readonly out: string; readonly error: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', typescript, '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', env: environment },
  );
  return { code: status, out: stdout, error: stderr };
};
const importing = `import { runService } from './src/run.ts';`;

describe('runService', () => {
  describe('what was compiled', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-run-'));
    const packages = join(folder, 'node_modules');
    const compiled = join(packages, '.cache/compiled');
    beforeEach(() => {
      rmSync(packages, { recursive: true, force: true });
      mkdirSync(packages, { recursive: true });
    });
    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    /** A service in a project's folder `dist/deep`. */
    const start = (): string => {
      const main = JSON.stringify(pathToFileURL(join(folder, 'dist/deep/main.js')).href);
      const { out } = run(`
        ${importing}
        runService(${main}, async () => process.stdout.write(typeof (await import('zod')).z.string));`);
      return out;
    };

    it('is kept among the packages of the service', () => {
      expect([start(), existsSync(compiled)]).toEqual(['function', true]);
    });

    it('is not kept where the process cannot write there, and the service starts all the same', () => {
      writeFileSync(join(packages, '.cache'), '');
      expect([start(), existsSync(compiled)]).toEqual(['function', false]);
    });
  });

  it('exits with 2 and only the message for a wrong configuration, with 1 and a stack trace for anything else', () => {
    const wrong = run(
      `${importing} runService(import.meta.url, () => Promise.reject(Object.assign(new Error('PORT is not set'), { code: 'CONFIGURATION_INVALID' })));`,
    );
    expect(wrong).toEqual({ code: 2, out: '', error: 'PORT is not set\n' });
    const other = run(`${importing} runService(import.meta.url, () => Promise.reject(new Error('no database')));`);
    expect([other.code, other.error]).toEqual([1, expect.stringMatching(/^Error: no database\n {4}at /)]);
    const several = run(
      `${importing} runService(import.meta.url, () => Promise.reject(new AggregateError([new Error('connect ECONNREFUSED ::1:5432')], '')));`,
    );
    expect([several.code, several.error]).toEqual([1, expect.stringContaining('Error: connect ECONNREFUSED ::1:5432')]);
  });

  describe('the command', () => {
    const start = (...words: string[]) =>
      run(
        `${importing} process.argv.push('main.js', ...${JSON.stringify(words)});
        runService(import.meta.url, () => Promise.resolve(process.stdout.write('started')), { '--dry-run': 'print what would change' });`,
      );

    it('runs the service when there is none, or one of its own', () => {
      expect(start()).toEqual({ code: 0, out: 'started', error: '' });
      expect(start('--dry-run')).toEqual({ code: 0, out: 'started', error: '' });
    });

    it.each(['migrat', '--dry-run migrate', 'toString'])('is refused with a usage text if it is %s', (text) => {
      const { code, out, error } = start(...text.split(' '));
      expect([code, out]).toEqual([2, '']);
      expect(error).toMatch(`error: unknown command: ${text}\n\nUsage: node dist/main.js [command]\n`);
      expect(error).toMatch(/^ {2}--dry-run {3}print what would change$/m);
    });

    it('--help lists the commands and starts nothing', () => {
      const { code, out, error } = start('--help');
      expect([code, error]).toEqual([0, '']);
      expect(out).toMatch(/^ {2}migrate {5}bring the database's schema up to date/m);
    });
  });
});
