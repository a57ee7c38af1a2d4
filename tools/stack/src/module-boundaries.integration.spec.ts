import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

function lint(file: string): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/eslint/bin/eslint.js'), file],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' },
    },
  );
  return { status, output: stdout + stderr };
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
      "import { claimsForClient } from '../../../apps/issuer/src/token/grants.js';\nexport const forbidden = claimsForClient;\n",
    ],
    [
      'an app that imports another app by path',
      'apps/payments/src',
      "import { post } from '../../accounts/src/transfers/transfer.js';\nexport const forbidden = post;\n",
    ],
  ])(
    'refuse %s',
    (_name, folder, content) => {
      const file = join(root, folder, `forbidden-${String(process.pid)}.ts`);
      writeFileSync(file, content);
      try {
        const { status, output } = lint(file);
        expect(output).toMatch(/@nx\/enforce-module-boundaries/);
        expect(status).toBe(1);
      } finally {
        rmSync(file, { force: true });
      }
    },
    120_000,
  );
});
