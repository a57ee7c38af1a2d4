// `npm run adopt [-- NAME …]`: each way in, in a fresh project, with the seconds until its first right answer. Build first.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './project.mjs';
import { paths } from './paths.mjs';

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const json = process.argv.includes('--json');
const names = Object.keys(paths).filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
if (names.length === 0) {
  console.error(`There is no such way. Names: ${Object.keys(paths).join('; ')}`);
  process.exit(2);
}
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
