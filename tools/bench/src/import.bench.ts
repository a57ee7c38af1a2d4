import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Benchmark } from './benchmark.js';
import { installed, packed } from './import/installed.js';
import { interleave } from './rounds.js';

const peers = ['jose', 'aws-jwt-verify', 'express-oauth2-jwt-bearer'] as const;
const libraries = ['auth-core', 'audit-event', 'auth'] as const;
const CORE = '@countersign/auth-core';

/** Milliseconds that a new process needs for one import. */
function importTime(name: string, folder: string): number {
  const program = `const startedAt = performance.now(); await import(${JSON.stringify(name)}); process.stdout.write(String(performance.now() - startedAt));`;
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder, encoding: 'utf8' }),
  );
}

const benchmark: Benchmark = {
  description:
    'the import of auth-core in a new process against jose’s, interleaved; beside it other verifiers’, and what each installs without its peers',
  async run({ rounds, progress, measured }) {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-import-'));
    try {
      const own = Object.fromEntries(
        libraries.map((name) => [
          `@countersign/${name}`,
          packed(fileURLToPath(new URL(`../../../libs/${name}`, import.meta.url)), folder),
        ]),
      );
      const folders = new Map<string, string>();
      for (const name of [CORE, '@countersign/auth', ...peers]) {
        progress(`installing ${name}`);
        const found = installed(name, own, folder);
        folders.set(name, found.folder);
        measured(`${name}: installed`, found.bytes / 1_024, 'KiB');
        measured(`${name}: packages`, found.packages, 'packages');
      }
      const times = await interleave(
        [CORE, ...peers].map((name) => ({ name, round: () => importTime(name, folders.get(name) ?? folder) })),
        {
          rounds,
          onRound: (round) => {
            progress(round < 0 ? 'warming up' : `round ${String(round + 1)} of ${String(rounds)}`);
          },
        },
      );
      for (const [name, time] of Object.entries(times)) measured(`${name}: import`, time, 'ms');
      const value = (times[CORE] ?? NaN) / (times['jose'] ?? NaN);
      return [{ metric: 'import.auth_core.ratio_jose', value, goal: 1.5, better: 'lower' }];
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
