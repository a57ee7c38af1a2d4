import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { examplesOf } from '../published.js';
import { install, must } from './command.js';
import { ordersSpec } from './orders-spec.js';
import { partsSpec } from './parts-spec.js';
import { addVariant, variantsOf, type Variant } from './variants.js';

export const nestLines = ['10', '11', '12'] as const;
export type NestLine = (typeof nestLines)[number];

const manifestSchema = z.looseObject({
  type: z.string().optional(),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});

/** What an application on Fastify of that Nest has beside it: so npm would refuse the libraries, were these not among their peers. */
const fastify: Readonly<Record<NestLine, Readonly<Record<string, string>>>> = {
  '10': { '@nestjs/platform-fastify': '^10.0.0', '@nestjs/swagger': '^7.0.0' },
  '11': { '@nestjs/platform-fastify': '^11.0.0', '@nestjs/swagger': '^11.0.0' },
  '12': { '@nestjs/platform-fastify': '^12.0.0', '@nestjs/swagger': '^12.0.0' },
};

/** What `nest new` adds for writing code, not for running or testing it. */
const leftOut = /eslint|prettier|oxlint|^globals$|^@nestjs\/(?:cli|schematics|mau)$|coverage/;

export interface NestProject {
  readonly line: NestLine;
  /** The version of `@nestjs/core` that was installed. */
  readonly version: string;
  readonly folder: string;
  readonly variants: readonly Variant[];
  /** Packages that came with the libraries, or anything else, of a name that holds `passport`. */
  readonly passport: readonly string[];
}

/**
 * A project as `nest new` of that version makes it, with the README's example and the packed libraries; and its variants.
 * @param readme the guard's
 */
export async function nestProject(
  line: NestLine,
  parent: string,
  tarballs: Readonly<Record<string, string>>,
  readme: string,
): Promise<NestProject> {
  const name = `nest-${line}`;
  const folder = join(parent, name);
  const cli = ['--yes', `@nestjs/cli@${line}`, 'new', name, '--skip-install', '--skip-git', '--package-manager', 'npm'];
  await must('npx', cli, { cwd: parent });
  const path = join(folder, 'package.json');
  const { dependencies, devDependencies, ...manifest } = manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const kept = Object.entries(devDependencies).filter(([one]) => !leftOut.test(one));
  const runners = { jest: '^30.0.0', 'ts-jest': '^29.4.0', vitest: '^4.1.0', '@types/jest': '^30.0.0' };
  const made = {
    ...manifest,
    dependencies: { ...dependencies, ...fastify[line], ...tarballs },
    devDependencies: { ...runners, ...Object.fromEntries(kept) },
    overrides: tarballs,
    allowScripts: { esbuild: true, 'unrs-resolver': true },
  };
  writeFileSync(path, JSON.stringify(made, undefined, 2));
  await install(folder);

  const [example = ''] = examplesOf(readme);
  const isEsm = manifest.type === 'module';
  // The application that `nest new` made stays; of its specs only ours run.
  rmSync(join(folder, 'src/app.controller.spec.ts'), { force: true });
  writeFileSync(join(folder, 'src/orders.module.ts'), example);
  writeFileSync(
    join(folder, 'src/orders.spec.ts'),
    ordersSpec(isEsm ? 'Vitest' : 'Jest', isEsm ? './orders.module.js' : './orders.module', true),
  );
  writeFileSync(join(folder, 'src/parts.spec.ts'), partsSpec(isEsm ? 'Vitest' : 'Jest', true));
  const variants = variantsOf(line);
  for (const variant of variants) if (variant.folder !== '') addVariant(folder, variant, example);
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, 'node_modules/@nestjs/core/package.json'), 'utf8')));
  const lock = z
    .object({ packages: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')));
  const passport = Object.keys(lock.packages).filter((one) => one.includes('passport'));
  return { line, version, folder, variants, passport };
}

export const makeFolder = (path: string): string => {
  mkdirSync(path, { recursive: true });
  return path;
};
