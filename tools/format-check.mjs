// Whether every file is formatted as Prettier does it. Oxfmt compares them all in less time than Prettier takes to start, and differs
// from it in a few places, so Prettier decides about the files that Oxfmt would change.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (file, ...args) =>
  spawnSync(process.execPath, [`${root}node_modules/${file}`, ...args], { cwd: root, encoding: 'utf8' });

// Prettier's own options, and Prettier leaves the order of a package.json alone.
const options = { ...JSON.parse(readFileSync(`${root}.prettierrc.json`, 'utf8')), sortPackageJson: false };
const config = `${root}node_modules/.cache/oxfmt/config.json`;
mkdirSync(dirname(config), { recursive: true });
writeFileSync(config, JSON.stringify(options));

const { stdout, stderr } = run('oxfmt/bin/oxfmt', '--list-different', '--config', config, '.');
const differing = stdout.split('\n').filter(Boolean);
if (stderr !== '') {
  process.stderr.write(stderr);
  process.exitCode = 1;
} else if (differing.length > 0) {
  const checked = run('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', ...differing);
  process.stdout.write(checked.stdout + checked.stderr);
  process.exitCode = checked.status ?? 1;
}
