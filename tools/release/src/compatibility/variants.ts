import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ordersSpec, type Runner } from './orders-spec.js';
import { partsSpec } from './parts-spec.js';

export type ModuleSystem = 'CommonJS' | 'ES modules';

/** One way to write and test a project. */
export interface Variant {
  readonly modules: ModuleSystem;
  readonly runner: Runner;
  /** Inside the project that `nest new` made; empty for that project itself. */
  readonly folder: string;
  /** Whether it is compiled before its tests run. */
  readonly compiled: boolean;
}

/** Nest 12 is ES modules only, and Jest requires no ES modules: there is no such project. */
export function variantsOf(nest: string): readonly Variant[] {
  const own: Variant =
    nest === '12'
      ? { modules: 'ES modules', runner: 'Vitest', folder: '', compiled: false }
      : { modules: 'CommonJS', runner: 'Jest', folder: '', compiled: false };
  const others: readonly Variant[] = [
    { modules: 'CommonJS', runner: 'node:test', folder: 'variants/cjs-node', compiled: true },
    { modules: 'ES modules', runner: 'Jest', folder: 'variants/esm-jest', compiled: false },
    { modules: 'ES modules', runner: 'Vitest', folder: 'variants/esm-vitest', compiled: false },
    { modules: 'ES modules', runner: 'node:test', folder: 'variants/esm-node', compiled: true },
  ];
  return [own, ...others.filter(({ modules, runner }) => modules !== own.modules || runner !== own.runner)];
}

/** Vitest of the project around a variant would take a `.spec` for its own. */
const endings: Readonly<Record<Runner, string>> = { Jest: 'check', Vitest: 'spec', 'node:test': 'check' };

const tests: Readonly<Record<Runner, string>> = {
  Jest: 'node --experimental-vm-modules --disable-warning=ExperimentalWarning ../../node_modules/jest/bin/jest.js',
  Vitest: 'vitest run',
  'node:test': `node --test dist/orders.${endings['node:test']}.js dist/parts.${endings['node:test']}.js`,
};

/** Jest for ES modules, as its own documents and those of ts-jest say. */
const jest = {
  testEnvironment: 'node',
  testRegex: String.raw`src/.*\.check\.ts$`,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { [String.raw`^(\.{1,2}/.*)\.js$`]: '$1' },
  transform: { [String.raw`^.+\.ts$`]: ['ts-jest', { useESM: true, diagnostics: false }] },
};

export const compilerOptions = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  skipLibCheck: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  types: ['node'],
  rootDir: 'src',
  outDir: 'dist',
};

/** Writes a variant into its project, whose packages it uses. */
export function addVariant(project: string, { modules, runner, folder }: Variant, example: string): void {
  const home = join(project, folder);
  mkdirSync(join(home, 'src'), { recursive: true });
  const isJest = runner === 'Jest';
  const manifest = {
    private: true,
    ...(modules === 'ES modules' ? { type: 'module' } : {}),
    scripts: { build: 'tsc -p tsconfig.json', test: tests[runner] },
    ...(isJest ? { jest } : {}),
  };
  const types = isJest ? ['node', 'jest'] : ['node'];
  const options = { ...compilerOptions, types, ...(isJest ? { isolatedModules: true } : {}) };
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest, undefined, 2));
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }));
  writeFileSync(join(home, 'src/orders.module.ts'), example);
  writeFileSync(join(home, `src/orders.${endings[runner]}.ts`), ordersSpec(runner, './orders.module.js', isJest));
  writeFileSync(join(home, `src/parts.${endings[runner]}.ts`), partsSpec(runner, isJest));
}
