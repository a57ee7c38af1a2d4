import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { pack } from './project.mjs';
import { paths } from './paths.mjs';

const program = new Command('npm run adopt --')
  .description(
    'Packs the libraries, makes a fresh project for each way of docs/adopt.md, and prints the seconds until its first correct answers.',
  )
  .argument('[names...]', `only ways whose name holds one of these words: ${Object.keys(paths).join('; ')}`)
  .option('--json', 'print the results as JSON', false)
  .parse();
const { json } = program.opts();
const wanted = program.args;
const names = Object.keys(paths).filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
if (names.length === 0) program.error('error: there is no such way; --help names them');
const folder = mkdtempSync(join(tmpdir(), 'countersign-adopt-'));
const found = [];
try {
  const libraries = [
    'auth-core',
    'auth',
    'audit-event',
    'audit-client',
    'revocation-feed',
    'service-host',
    'test-kit',
    'nats-rights',
  ];
  const tarballs = pack([...libraries.map((name) => `libs/${name}`), 'tools/backing-services'], join(folder, 'packed'));
  for (const [index, name] of names.entries()) {
    const startedAt = performance.now();
    let why = '';
    await paths[name](join(folder, `project-${String(index)}`), tarballs).catch((error) => {
      why = `${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
    });
    const seconds = Number(((performance.now() - startedAt) / 1_000).toFixed(1));
    found.push({ name, ok: why === '', seconds, ...(why === '' ? {} : { why }) });
    if (!json)
      console.log(
        `${why === '' ? 'passed' : 'FAILED'}  ${seconds.toFixed(1).padStart(6)} s  ${name}${why === '' ? '' : `\n${why}`}`,
      );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (json) console.log(JSON.stringify(found));
process.exitCode = found.every(({ ok }) => ok) ? 0 : 1;
