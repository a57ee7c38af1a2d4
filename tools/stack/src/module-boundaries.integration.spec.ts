import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../../..');

const reportSchema = z.object({ diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })) });

interface Planted {
  readonly folder: string;
  readonly content: string;
}

/** Lints files that are only there in the meantime, in one run. @returns the rules that each breaks, in the files' order */
function lint(files: readonly Planted[], ...args: readonly string[]): readonly (readonly string[])[] {
  const planted = files.map(({ folder, content }) => {
    const place = join(folder, `forbidden-${String(process.pid)}`);
    return { content, place, path: join(place, 'forbidden.ts') };
  });
  const paths = planted.map(({ path }) => path);
  try {
    for (const { content, place, path } of planted) {
      mkdirSync(join(root, place));
      writeFileSync(join(root, path), content);
      // A separate program: the root's has all sources.
      const configuration = { extends: relative(place, 'tsconfig.base.json'), files: ['forbidden.ts'] };
      writeFileSync(join(root, place, 'tsconfig.json'), JSON.stringify(configuration));
    }
    const { status, stdout, stderr } = spawnSync(
      join(root, 'node_modules/.bin/oxlint'),
      ['--format=json', ...args, ...paths],
      { cwd: root, encoding: 'utf8', env: { ...process.env, NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' } },
    );
    expect([status, stderr]).toEqual([1, '']);
    const { diagnostics } = reportSchema.parse(JSON.parse(stdout));
    return paths.map((path) => diagnostics.filter(({ filename }) => filename === path).map(({ code }) => code));
  } finally {
    for (const { place } of planted) rmSync(join(root, place), { recursive: true, force: true });
  }
}

describe('the module boundaries', () => {
  const forbidden = [
    [
      'a core library that imports a framework',
      'libs/money/src',
      "import { Module } from '@nestjs/common';\nexport const forbidden = Module;\n",
    ],
    [
      'a library that imports an app',
      'libs/auth/src',
      "import { claimsForClient } from '../../../../apps/issuer/src/token/grants/token-parameters.js';\nexport const forbidden = claimsForClient;\n",
    ],
    [
      'an app that imports another app by path',
      'apps/payments/src',
      "import { post } from '../../../accounts/src/transfers/transfer.js';\nexport const forbidden = post;\n",
    ],
  ] as const;
  let found: readonly (readonly string[])[];
  beforeAll(() => {
    // In one run, because each needs the graph of all projects.
    found = lint(forbidden.map(([, folder, content]) => ({ folder, content })));
  }, 120_000);

  it.each(forbidden.map(([name], index) => [name, index] as const))('refuse %s', (_name, index) => {
    expect(found[index]).toEqual([expect.stringContaining('enforce-module-boundaries')]);
  });
});

describe('the rules that need types', () => {
  it('refuse a promise that nobody awaits, and one where nothing is expected', () => {
    const content =
      'async function one(): Promise<void> {}\nexport function two(): void {\n  one();\n  [1].forEach(async () => one());\n}\n';
    const [found] = lint([{ folder: 'libs/money/src', content }], '--type-aware');
    expect(found).toEqual(
      expect.arrayContaining(
        ['no-floating-promises', 'no-misused-promises'].map((rule) => expect.stringContaining(rule)),
      ),
    );
  }, 120_000);
});
