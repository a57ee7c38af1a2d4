import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// Without the folder for compiled code that a whole test run names.
const environment = { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: undefined };
const run = (script: string): { readonly code: number | null; readonly out: string; readonly error: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', env: environment },
  );
  return { code: status, out: stdout, error: stderr };
};
const importing = `import { runService } from './src/run.ts';`;

/** Notes the look-ups that are left to Node, where the condition holds for `specifier` and `parent`, the importing file. */
const noting = (condition: string): string => `
  import { registerHooks } from 'node:module';
  ${importing}
  const lookups = [];
  registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL ?? '';
      if (${condition}) lookups.push(specifier);
      return next(specifier, context);
    },
  });`;

describe('runService', () => {
  it('lets the files of drizzle-orm, Nest, zod and rxjs find each other without reading their package.json', () => {
    const { out } = run(`
      ${noting(String.raw`specifier.startsWith('.') && /\/node_modules\/(drizzle-orm|@nestjs|zod|rxjs)\//.test(parent)`)}
      runService(import.meta.url, async () => {
        const { drizzle } = await import('drizzle-orm/node-postgres');
        const { NestFactory } = await import('@nestjs/core');
        const { z } = await import('zod');
        const { map } = await import('rxjs/operators');
        process.stdout.write([typeof drizzle, typeof NestFactory.create, typeof z.string, typeof map, lookups].join(' '));
      });`);
    expect(out).toBe('function function function function ');
  });

  it('looks a package up once for all files of a package', () => {
    const { out } = run(`
      ${noting(`specifier.startsWith('@nestjs/') && parent.includes('/@nestjs/core/')`)}
      runService(import.meta.url, async () => {
        await import('@nestjs/core');
        process.stdout.write(JSON.stringify([lookups.includes('@nestjs/common'), lookups.length - new Set(lookups).size]));
      });`);
    expect(JSON.parse(out)).toEqual([true, 0]);
  });

  it('leaves other packages to Node, also where they are installed below the service', () => {
    const { out } = run(`
      ${noting(`specifier.startsWith('.') && parent.includes('/node_modules/jose/')`)}
      runService(new URL('../../main.js', import.meta.url).href, async () => {
        await import('jose');
        process.stdout.write(String(lookups.length > 10));
      });`);
    expect(out).toBe('true');
  });

  it('leaves to Node what a package keeps below itself, which may be CommonJS', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-run-'));
    const zod = join(folder, 'node_modules/zod');
    const inner = join(zod, 'node_modules/inner');
    mkdirSync(inner, { recursive: true });
    writeFileSync(join(zod, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    writeFileSync(join(zod, 'index.js'), `export { default } from 'inner';`);
    writeFileSync(join(inner, 'package.json'), '{ "exports": "./index.mjs" }');
    writeFileSync(join(inner, 'index.mjs'), `export { default } from './plain.js';`);
    writeFileSync(join(inner, 'plain.js'), `module.exports = 'plain';`);
    const { out, error } = run(`
      ${importing}
      runService(import.meta.url, async () => {
        const { default: found } = await import(${JSON.stringify(pathToFileURL(join(zod, 'index.js')).href)});
        process.stdout.write(found);
      });`);
    rmSync(folder, { recursive: true, force: true });
    expect([error, out]).toEqual(['', 'plain']);
  });

  it.each([
    ['wait until the service connects some', '', [false, true]],
    ['are there where it imported one', `await import('@nestjs/microservices');`, [true, true]],
  ])("Nest's packages for messages %s", (_, first, expected) => {
    const { out, error } = run(`
      import { registerHooks } from 'node:module';
      ${importing}
      let loaded = false;
      registerHooks({
        load(url, context, next) {
          loaded ||= url.includes('/@nestjs/microservices/');
          return next(url, context);
        },
      });
      runService(import.meta.url, async () => {
        ${first}
        const { Module } = await import('@nestjs/common');
        const { NestFactory } = await import('@nestjs/core');
        const { FastifyAdapter } = await import('@nestjs/platform-fastify');
        class Empty {}
        Module({})(Empty);
        const app = await NestFactory.create(Empty, new FastifyAdapter(), { logger: false });
        await app.init();
        const atStart = loaded;
        app.connectMicroservice({ options: { port: 0 } });
        process.stdout.write(JSON.stringify([atStart, loaded]));
        process.exit(0);
      });`);
    expect([error, JSON.parse(out)]).toEqual(['', expected]);
  });

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
  });
});
