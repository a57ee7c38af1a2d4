import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const run = (script: string): { readonly out: string; readonly error: string } => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  return { out: stdout, error: stderr };
};
const importing = `import { findFilesDirectly } from './src/fast/find-files-directly.ts';`;

/** Notes the lookups that are left to Node, where the condition holds for `specifier` and `parent`, the importing file. */
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

describe('finding files directly', () => {
  it('loads the files that Node itself finds, in the same order', () => {
    const loaded = (first: string): unknown => {
      const { out } = run(`
        import { registerHooks } from 'node:module';
        ${importing}
        const urls = [];
        registerHooks({
          load(url, context, next) {
            urls.push(url);
            return next(url, context);
          },
        });
        ${first}
        await import('@nestjs/core');
        await import('@nestjs/platform-fastify');
        await import('drizzle-orm/node-postgres');
        await import('drizzle-orm/pg-core');
        await import('zod');
        await import('rxjs/operators');
        process.stdout.write(JSON.stringify(urls));
        process.exit(0);`);
      return JSON.parse(out);
    };
    const plain = loaded('');
    expect(plain).toEqual(expect.arrayContaining([expect.stringContaining('/node_modules/drizzle-orm/')]));
    expect(loaded('findFilesDirectly(import.meta.url);')).toEqual(plain);
  });

  it('lets the files of drizzle-orm, Nest, zod and rxjs find each other without reading their package.json', () => {
    const { out } = run(`
      ${noting(String.raw`specifier.startsWith('.') && /\/node_modules\/(drizzle-orm|@nestjs|zod|rxjs)\//.test(parent)`)}
      findFilesDirectly(import.meta.url);
      {
        const { drizzle } = await import('drizzle-orm/node-postgres');
        const { NestFactory } = await import('@nestjs/core');
        const { z } = await import('zod');
        const { map } = await import('rxjs/operators');
        process.stdout.write([typeof drizzle, typeof NestFactory.create, typeof z.string, typeof map, lookups].join(' '));
      }`);
    expect(out).toBe('function function function function ');
  });

  it('looks a package up once for all files of a package', () => {
    const { out } = run(`
      ${noting(`specifier.startsWith('@nestjs/') && parent.includes('/@nestjs/core/')`)}
      findFilesDirectly(import.meta.url);
      {
        await import('@nestjs/core');
        process.stdout.write(JSON.stringify([lookups.includes('@nestjs/common'), lookups.length - new Set(lookups).size]));
      }`);
    expect(JSON.parse(out)).toEqual([true, 0]);
  });

  it('leaves other packages to Node, also where they are installed below the service', () => {
    const { out } = run(`
      ${noting(`specifier.startsWith('.') && parent.includes('/node_modules/jose/')`)}
      findFilesDirectly(new URL('../../main.js', import.meta.url).href);
      {
        await import('jose');
        process.stdout.write(String(lookups.length > 10));
      }`);
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
      findFilesDirectly(import.meta.url);
      const { default: found } = await import(${JSON.stringify(pathToFileURL(join(zod, 'index.js')).href)});
      process.stdout.write(found);`);
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
      findFilesDirectly(import.meta.url);
      {
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
      }`);
    expect([error, JSON.parse(out)]).toEqual(['', expected]);
  });
});
