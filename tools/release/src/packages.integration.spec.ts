import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { z } from 'zod';
import { ordersSpec } from './compatibility/orders-spec.js';
import { packedPackages, type PackedPackage } from './packed.js';
import { blockOf } from './profile-page.js';
import { examplesOf, publishedLibraries } from './published.js';
import { provideModules } from './workspace-modules.js';

const root = resolve(import.meta.dirname, '../../..');
const libraries = publishedLibraries(root);

describe('each published library', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-released-'));
  const project = join(folder, 'project');
  const tarballs = new Map<string, string>();
  const filesOf = new Map<string, readonly string[]>();
  let packed: readonly PackedPackage[];

  const npm = (args: readonly string[], cwd: string): string =>
    execFileSync('npm', args, { cwd, encoding: 'utf8', env: { ...process.env, npm_config_loglevel: 'error' } });
  const tsc = (file: string, compiler: 'typescript' | 'typescript7') =>
    spawnSync(process.execPath, [join(root, `node_modules/${compiler}/bin/tsc`), '--pretty', 'false', '-p', file], {
      cwd: project,
      encoding: 'utf8',
    });

  beforeAll(() => {
    const names = new Set(libraries.map(({ name }) => name));
    packed = packedPackages(root).packages.filter(({ name }) => names.has(name));
    for (const { name, tarball, files } of packed) {
      tarballs.set(name, tarball);
      filesOf.set(name, files);
    }
    mkdirSync(project);
    const manifest = {
      name: 'a-service-team',
      private: true,
      type: 'module',
      dependencies: {
        ...Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path}`])),
        '@nestjs/platform-fastify': '^12.0.0',
        '@types/node': '^24.0.0',
      },
      overrides: Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path}`])),
    };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    provideModules(root, project, packed);
    npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], project);
  }, 600_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is there at all', () => {
    expect(libraries.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['@countersign/auth', '@countersign/auth-core', '@countersign/test-kit']),
    );
  });

  it('packs its code, its types, its maps with the source that they point to, its README, and no test', () => {
    for (const [name, files] of filesOf) {
      for (const file of [
        'README.md',
        'dist/index.js',
        'dist/index.d.ts',
        'dist/index.js.map',
        'src/index.ts',
        'cjs/index.js',
        'cjs/index.d.ts',
        'cjs/package.json',
      ])
        expect([name, files]).toEqual([name, expect.arrayContaining([file])]);
      expect([name, files.filter((file) => file.includes('.spec.'))]).toEqual([name, []]);
    }
  });

  it('has a README that says how to install it and what it runs on, and links only to what is packed', () => {
    for (const { name, directory, manifest } of libraries) {
      const readme = readFileSync(join(directory, 'README.md'), 'utf8');
      expect(readme).toMatch(new RegExp(`npm install (--save-dev )?${name}( |\n)`));
      const [first] = /\d+/.exec(manifest.engines.node) ?? [];
      expect([name, readme]).toEqual([
        name,
        expect.stringMatching(new RegExp(`^\\| ${String(first)}(, [0-9]+)+ `, 'm')),
      ]);
      const nests = manifest.peerDependencies['@nestjs/core']?.match(/\d+(?=\.0\.0)/g) ?? undefined;
      if (nests !== undefined)
        expect([name, readme]).toEqual([name, expect.stringContaining(`Nest ${nests.join(', ')}`)]);
      const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path ?? '');
      const files = filesOf.get(name) ?? [];
      const missing = links.filter((path) => !files.some((file) => file === path || file.startsWith(`${path}/`)));
      expect([name, missing]).toEqual([name, []]);
    }
  });

  it('has nothing for publint to say', async () => {
    for (const { name } of libraries) {
      const tarball = readFileSync(tarballs.get(name) ?? '');
      const { messages } = await publint({
        strict: true,
        pack: { tarball: new Uint8Array(tarball).buffer },
      });
      expect([name, messages]).toEqual([name, []]);
    }
  }, 120_000);

  it('has types that resolve as its code does: ES modules, CommonJS, bundlers, and the resolution before `exports`', async () => {
    for (const [name, path] of tarballs) {
      const result = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(path))), {
        // A file for people, not a module.
        excludeEntrypoints: [/\.sql$/],
      });
      const problems = ('problems' in result ? result.problems : []).filter(
        (problem) => !('entrypoint' in problem && problem.entrypoint.endsWith('.sql')),
      );
      expect([name, result.types, problems]).toEqual([name, expect.anything(), []]);
    }
  }, 120_000);

  it('compiles in its own project, each example of each README and of each profile’s page', () => {
    const sources = libraries.flatMap(({ name, directory }) =>
      examplesOf(readFileSync(join(directory, 'README.md'), 'utf8')).map((code, index) => ({
        file: `${name.replace('@countersign/', '')}-${String(index)}.ts`,
        code,
      })),
    );
    expect(sources.length).toBeGreaterThanOrEqual(2);
    for (const page of readdirSync(join(root, 'docs/token-profiles'))) {
      for (const block of ['verifier', 'module']) {
        const code = blockOf(join(root, 'docs/token-profiles', page), block);
        sources.push({ file: `profile-${page.replace('.md', '')}-${block}.ts`, code });
      }
    }
    for (const { file, code } of sources) writeFileSync(join(project, file), code);
    // Settings as a service reads them: under exactOptionalPropertyTypes one that is not set is undefined, and not absent.
    const fromEnvironment = `
import { createTokenClient, createVerifier, type PrivateJwk } from '@countersign/auth-core';
import { AuthModule, type ServiceCalls } from '@countersign/auth';
const { KEYS_FILE: keysFile, JWKS_URL: jwksUrl, RESOURCE_URL: resource, TOKEN_URL: tokenEndpoint } = process.env;
const allowPlainHttp = process.env['PLAIN'] === 'yes' ? true : undefined;
export const verifier = createVerifier({ issuer: 'https://issuer.test', audience: 'orders', keysFile, jwksUrl, allowPlainHttp });
export const module = AuthModule.forRoot({ issuer: 'https://issuer.test', audience: 'orders', keysFile, resource });
export const tokens = (key: PrivateJwk) =>
  createTokenClient({ issuer: 'https://issuer.test', clientId: 'orders', key, tokenEndpoint, allowPlainHttp });
export const call = (calls: ServiceCalls, traceparent: string | undefined, onBehalfOf: string | undefined) =>
  calls.send({ url: 'https://shop.test', audience: 'shop', scopes: [], traceparent, onBehalfOf });
`;
    sources.push({ file: 'from-environment.ts', code: fromEnvironment });
    // What an example takes from its surroundings.
    writeFileSync(
      join(project, 'surroundings.d.ts'),
      `declare const request: { readonly headers: { readonly authorization?: string } };
declare const key: import('@countersign/auth-core').PrivateJwk;
declare const url: string;
`,
    );
    writeFileSync(
      join(project, 'must-not-compile.ts'),
      [
        "import { createVerifier } from '@countersign/auth-core';",
        "import { RequireAnyScope, RequireScopes } from '@countersign/auth';",
        "const verifier = await createVerifier({ issuer: 'https://issuer.test' });",
        'const subject: number = verifier.verify("token").subject;',
        'export const decorators = [RequireScopes(7), RequireAnyScope(["a"])];',
        'verifier.verify("token").scopes.add("more");',
        'export default subject;',
        '',
      ].join('\n'),
    );
    const compilerOptions = {
      target: 'es2023',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      skipLibCheck: true,
      outDir: 'out',
      rootDir: '.',
      types: ['node'],
    };
    const config = (name: string, include: readonly string[], more: object = {}): string => {
      writeFileSync(join(project, name), JSON.stringify({ compilerOptions: { ...compilerOptions, ...more }, include }));
      return name;
    };
    const good = tsc(config('tsconfig.json', [...sources.map(({ file }) => file), 'surroundings.d.ts']), 'typescript');
    expect([good.stdout, good.status]).toEqual(['', 0]);

    const bad = tsc(config('tsconfig.bad.json', ['must-not-compile.ts'], { noEmit: true }), 'typescript7');
    const lines = [...bad.stdout.matchAll(/must-not-compile\.ts\((\d+),/g)].map(([, line]) => Number(line));
    expect([...new Set(lines)]).toEqual([3, 4, 5, 6]);
  }, 300_000);

  it('runs there as the README of the guard says', () => {
    const main = join(project, 'main.mjs');
    writeFileSync(
      main,
      `import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthModule, assertOpenRoutes } from '@countersign/auth';
import { createVerifier } from '@countersign/auth-core';
import { createTestIssuer } from '@countersign/test-kit';
import { OrdersController } from './out/auth-0.js';
const issuer = await createTestIssuer({ audience: 'orders' });
const settings = { issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch };
class Orders {}
Module({ imports: [AuthModule.forRoot(settings)], controllers: [OrdersController] })(Orders);
const app = await NestFactory.create(Orders, new FastifyAdapter(), { logger: false });
await app.init();
assertOpenRoutes(app, ['GET /orders/status']);
const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
const headers = { authorization: 'Bearer ' + token };
const answers = [await app.inject({ url: '/orders/7', headers }), await app.inject('/orders/7'), await app.inject('/orders/status')];
const verifier = await createVerifier(settings);
console.log(JSON.stringify([...answers.map((answer) => answer.statusCode), answers[0].json(), verifier.verify(token).subject]));
process.exit(0);
`,
    );
    const printed = execFileSync(process.execPath, [main], { cwd: project, encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual([200, 401, 200, { id: '7', readBy: 'ada' }, 'ada']);
  }, 120_000);

  it('runs in Jest as CommonJS, on Nest 11, without Passport and without drivers', () => {
    const commonjs = join(folder, 'commonjs');
    mkdirSync(commonjs);
    const named = ['auth', 'auth-core', 'audit-event', 'test-kit'].map((one) => `@countersign/${one}`);
    const own = Object.fromEntries(named.map((name) => [name, `file:${tarballs.get(name) ?? ''}`]));
    const nest = ['common', 'core', 'platform-express', 'testing'].map((one) => [`@nestjs/${one}`, '^11.0.0']);
    const jest = {
      testEnvironment: 'node',
      transform: {
        '^.+[.]ts$': [
          fileURLToPath(import.meta.resolve('@swc/jest')),
          {
            jsc: {
              target: 'es2022',
              parser: { syntax: 'typescript', decorators: true },
              transform: { legacyDecorator: true, decoratorMetadata: true },
            },
            module: { type: 'commonjs' },
          },
        ],
      },
      testMatch: ['<rootDir>/*.spec.ts'],
    };
    const dependencies = { ...own, ...Object.fromEntries(nest), 'reflect-metadata': '^0.2.0', rxjs: '^7.8.0' };
    writeFileSync(
      join(commonjs, 'package.json'),
      JSON.stringify({ private: true, dependencies, overrides: own, jest }),
    );
    provideModules(root, commonjs, packed, Object.keys(Object.fromEntries(nest)));
    npm(['install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], commonjs);
    const lock = z
      .object({ packages: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(readFileSync(join(commonjs, 'package-lock.json'), 'utf8')));
    const unwanted = /passport|drizzle|@nats-io|node_modules\/(?:pg|jose)$/;
    expect(Object.keys(lock.packages).filter((one) => unwanted.test(one))).toEqual([]);

    const [example = ''] = examplesOf(readFileSync(join(root, 'libs/auth/README.md'), 'utf8'));
    writeFileSync(join(commonjs, 'orders.module.ts'), example);
    writeFileSync(join(commonjs, 'orders.spec.ts'), ordersSpec('Jest', './orders.module', true));
    const ran = spawnSync(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), '--rootDir', commonjs], {
      cwd: commonjs,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', FORCE_COLOR: '0' },
    });
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('1 passed')]);
  }, 300_000);
});

describe('a release', () => {
  it('would give every package the same new version (nx release, dry run)', () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [join(root, 'node_modules/nx/dist/bin/nx.js'), 'release', 'version', '9.9.9', '--dry-run'],
      { cwd: root, encoding: 'utf8', env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', FORCE_COLOR: '0' } },
    );
    expect([status, stderr]).toEqual([0, expect.any(String)]);
    for (const { name } of libraries)
      expect(stdout).toContain(`libs/${name.replace('@countersign/', '')}/package.json`);
    expect(stdout).toContain('"version": "9.9.9"');
    expect(stdout).toContain('"@countersign/auth-core": "9.9.9"');
  }, 300_000);

  it('has an API reference of every library that is made without a warning (npm run docs)', () => {
    const { entryPoints } = z
      .object({ entryPoints: z.array(z.string()) })
      .parse(JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8')));
    const missing = libraries.filter(
      ({ directory }) => !entryPoints.includes(`${relative(root, directory)}/src/index.ts`),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
    const made = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typedoc/bin/typedoc'), '--emit', 'none', '--treatWarningsAsErrors'],
      { cwd: root, encoding: 'utf8', env: { ...process.env, FORCE_COLOR: '0' } },
    );
    expect([made.status, made.stdout + made.stderr]).toEqual([0, expect.not.stringContaining('[warning]')]);
  }, 300_000);
});
