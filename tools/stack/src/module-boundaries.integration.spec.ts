import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

function run(program: string, ...args: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', program), args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' },
  });
  return { status, output: stdout + stderr };
}

/** What `check` finds in a file that is only there in the meantime. */
function planted<Found>(folder: string, content: string, check: (file: string) => Found): Found {
  const file = join(root, folder, `forbidden-${String(process.pid)}.ts`);
  writeFileSync(file, content);
  try {
    return check(file);
  } finally {
    rmSync(file, { force: true });
  }
}

describe('the module boundaries', () => {
  it.each([
    [
      'a core library that imports a framework',
      'libs/money/src',
      "import { Module } from '@nestjs/common';\nexport const forbidden = Module;\n",
    ],
    [
      'a library that imports an app',
      'libs/auth/src',
      "import { claimsForClient } from '../../../apps/issuer/src/token/grants/token-parameters.js';\nexport const forbidden = claimsForClient;\n",
    ],
    [
      'an app that imports another app by path',
      'apps/payments/src',
      "import { post } from '../../accounts/src/transfers/transfer.js';\nexport const forbidden = post;\n",
    ],
  ])(
    'refuse %s',
    (_name, folder, content) => {
      const { status, output } = planted(folder, content, (file) => run('oxlint', file));
      expect(output).toMatch(/enforce-module-boundaries/);
      expect(status).toBe(1);
    },
    120_000,
  );
});

describe('the rules that need types', () => {
  it('refuse a promise that nobody awaits, and one where nothing is expected', () => {
    const content =
      'async function one(): Promise<void> {}\nexport function two(): void {\n  one();\n  [1].forEach(async () => one());\n}\n';
    const { status, output } = planted('libs/money/src', content, (file) => run('oxlint', '--type-aware', file));
    expect(output).toMatch(/no-floating-promises/);
    expect(output).toMatch(/no-misused-promises/);
    expect(status).toBe(1);
  }, 120_000);
});
