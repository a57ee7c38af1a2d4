import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const tool = resolve(import.meta.dirname, '../../bundle.mjs');

describe('a bundled program', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  const built = join(root, 'built');
  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
  };
  const node = (
    ...args: readonly string[]
  ): { readonly out: string; readonly error: string; readonly code: unknown } => {
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { out: stdout, error: stderr, code: status };
  };
  /** Bundles `main.js`; then only what the bundle consists of is left of the sources. @returns what the bundler warns of */
  const bundle = (files: Readonly<Record<string, string>>, dependencies: object = {}): string => {
    write(files);
    const script = `
      const { bundle } = await import(${JSON.stringify(tool)});
      await bundle({ main: ${JSON.stringify(join(root, 'source/main.js'))} }, ${JSON.stringify(built)}, ${JSON.stringify(dependencies)});`;
    const { error, code } = node('--input-type=module', '--eval', script);
    if (code !== 0) throw new Error(error);
    rmSync(join(root, 'source'), { recursive: true, force: true });
    return error;
  };
  const run = (): string => {
    const { out, error } = node('--enable-source-maps', join(built, 'main.js'));
    return out + error;
  };
  const missing = `(await import('@nestjs/microservices').then((found) => found.name, ({ code }) => code))`;
  const installed = {
    'node_modules/@nestjs/microservices/package.json':
      '{ "name": "@nestjs/microservices", "type": "module", "exports": "./index.js" }',
    'node_modules/@nestjs/microservices/index.js': `export const name = 'installed';`,
  };

  it('runs a module where Node would run it, and one that is loaded later not before', () => {
    bundle({
      'source/main.js': `
        import './before.js';
        import { used } from './shared.js';
        process.stdout.write('main ' + used + ' ');
        await import('./later.js');`,
      'source/before.js': `globalThis.before = 'after before';`,
      'source/shared.js': `export const used = globalThis.before;`,
      'source/later.js': `import { used } from './shared.js'; process.stdout.write('later ' + used);`,
    });
    expect(run()).toBe('main after before later after before');
  });

  it('finds what is beside a module, wherever the module has gone', () => {
    bundle({
      'source/main.js': `import { read } from './deep/reader.js'; process.stdout.write(read());`,
      'source/deep/reader.js': `
        import { readFileSync } from 'node:fs';
        export const read = () => readFileSync(new URL('../../kept/text', import.meta.url), 'utf8');`,
      'kept/text': 'found',
    });
    expect(run()).toBe('found');
  });

  it('names a class as its source does, and in a trace the source itself', () => {
    bundle({
      'source/main.js': `
        import { Named } from './one.js';
        import { Named as Other } from './deep/two.js';
        process.stdout.write([Named.name, Other.name].join(' ') + ' ');
        new Other().fail();`,
      'source/one.js': 'export class Named {}',
      'source/deep/two.js': `export class Named {\n  fail() {\n    throw new Error('failed');\n  }\n}`,
    });
    const said = run();
    expect(said).toContain('Named Named ');
    expect(said).toMatch(/at Named\.fail \(.*\/source\/deep\/two\.js:3:11\)/);
  });

  it.each([
    ['without', {}, 'ERR_MODULE_NOT_FOUND'],
    ['with', { '@nestjs/microservices': '^12.0.0' }, 'installed'],
  ])('goes %s what Nest loads wherever it is installed, as the service asks', (_, dependencies, expected) => {
    bundle({ ...installed, 'source/main.js': `process.stdout.write(${missing});` }, dependencies);
    expect(run()).toBe(expected);
  });

  it('fails where a package that we import is missing, and is silent about what packages try', () => {
    const tried = {
      'node_modules/tries/package.json': '{ "name": "tries", "type": "module", "exports": "./index.js" }',
      'node_modules/tries/index.js': `try { require('not-installed'); } catch {} import('nor-this').catch(() => {});`,
    };
    expect(bundle({ ...tried, 'source/main.js': `import 'tries';` })).toBe('');
    expect(() => bundle({ 'source/main.js': `import 'tries'; import 'forgotten/part.js';` })).toThrow(
      /Could not resolve 'forgotten\/part\.js' in .*source\/main\.js/,
    );
  });
});
