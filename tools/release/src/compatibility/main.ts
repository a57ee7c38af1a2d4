// `npm run compatibility`: the packed libraries in projects of every kind, outside this workspace.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { newPassword, startPostgres } from '@countersign/backing-services';
import { Command } from 'commander';
import { packLibraries, tarballsOf } from '../packed.js';
import { each } from './command.js';
import { nestLines, nestProject, type NestProject } from './nest-project.js';
import { nodeLines, nodeOf, type NodeVersion } from './node-versions.js';
import { failuresOf, tableOf, type Outcome, type Row } from './outcome.js';
import { writeTables } from './page.js';
import { compiles, resolutions } from './resolutions.js';
import { runtimes, tryRuntime } from './runtimes.js';
import { testVariant } from './test-variant.js';

const program = new Command('npm run compatibility --')
  .description(
    'Installs the packed libraries in fresh projects outside this workspace (each line of Nest and Node, ESM and CommonJS, Jest and Vitest, other runtimes) and runs their tests.',
  )
  .argument('[names...]', 'only projects and runtimes whose name holds one of these words, as nest-11 or bun')
  .option('--keep', 'keep the projects, and print their folder', false)
  .option('--write', 'write the tables into docs/compatibility.md; everything must be tried, so without names', false)
  .parse();
const values = program.opts<{ readonly keep: boolean; readonly write: boolean }>();
const names = program.args;
if (values.write && names.length > 0) program.error('error: --write writes whole tables: leave the names out');
const isWanted = (name: string): boolean =>
  names.length === 0 || names.some((word) => name.toLowerCase().includes(word.toLowerCase()));

const root = resolve(import.meta.dirname, '../../../..');
const folder = mkdtempSync(join(tmpdir(), 'countersign-compatibility-'));
const tell = (text: string): void => void process.stderr.write(`${text}\n`);
const atOnce = Math.max(1, Math.floor(availableParallelism() / 2));

async function withNest(
  project: NestProject,
  nodes: readonly NodeVersion[],
  databaseUrl: string,
): Promise<{ readonly rows: readonly Row[]; readonly resolved: Row }> {
  const rows: Row[] = [];
  for (const variant of project.variants) {
    const outcomes = new Map<string, Outcome>();
    for (const node of nodes) {
      const outcome = await testVariant(project, variant, node, databaseUrl);
      outcomes.set(`Node ${node.line}`, outcome);
      tell(
        `  Nest ${project.version}, ${variant.modules}, ${variant.runner}, Node ${node.version}: ${outcome.passed === true ? 'passed' : 'FAILED'}`,
      );
    }
    rows.push({ name: [project.line, variant.modules, variant.runner], outcomes });
  }
  const outcomes = new Map<string, Outcome>();
  for (const resolution of resolutions) {
    const { ok, output } = await compiles(project.folder, resolution);
    outcomes.set(resolution, ok ? { passed: true } : { passed: false, output });
  }
  return { rows, resolved: { name: [project.line], outcomes } };
}

const postgres = await startPostgres({ directory: join(folder, 'postgres'), password: newPassword(), fast: true });
const rows: Row[] = [];
const resolved: Row[] = [];
const elsewhere: Row[] = [];
const faults: string[] = [];
try {
  tell('packing the libraries');
  const tarballs = tarballsOf(packLibraries(root, folder));
  const readme = readFileSync(join(root, 'libs/auth/README.md'), 'utf8');
  const wanted = nestLines.filter((line) => isWanted(`nest-${line}`));
  const nodes: NodeVersion[] = [];
  if (wanted.length > 0) {
    tell(`installing Node ${nodeLines.join(', ')}`);
    for (const line of nodeLines) nodes.push(await nodeOf(line, folder));
  }
  const made = new Map<string, Awaited<ReturnType<typeof withNest>>>();
  await each(wanted, atOnce, async (line) => {
    tell(`nest new, of Nest ${line}`);
    const project = await nestProject(line, folder, tarballs, readme);
    if (project.passport.length > 0)
      faults.push(`Nest ${line}: packages of Passport came along: ${project.passport.join(', ')}`);
    const databaseUrl = await postgres.createDatabase(`nest_${line}`, newPassword());
    made.set(line, await withNest(project, nodes, databaseUrl));
  });
  for (const line of wanted) {
    const found = made.get(line);
    if (found !== undefined) rows.push(...found.rows);
    if (found !== undefined) resolved.push(found.resolved);
  }
  for (const runtime of runtimes.filter(({ name }) => isWanted(name))) {
    const outcome = await tryRuntime(runtime, folder, tarballs, join(root, 'libs/auth-core/examples'));
    tell(`  ${runtime.name}: ${outcome.passed === true ? 'passed' : 'FAILED'}`);
    elsewhere.push({ name: [runtime.name], outcomes: new Map([['verifies tokens', outcome]]) });
  }
} finally {
  await postgres.stop();
  rmSync(postgres.directory, { recursive: true, force: true });
  if (values.keep) tell(`kept: ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}

const tables = {
  nest: tableOf(
    ['Nest', 'modules', 'tests by'],
    nodeLines.map((line) => `Node ${line}`),
    rows,
  ),
  types: tableOf(['Nest'], resolutions, resolved),
  runtimes: tableOf(['runtime'], ['verifies tokens'], elsewhere),
};
process.stdout.write(`${Object.values(tables).join('\n\n')}\n`);
const failures = [...faults, ...[rows, resolved, elsewhere].flatMap(failuresOf)];
for (const failure of failures) tell(`\n${failure}`);
if (values.write) writeTables(join(root, 'docs/compatibility.md'), tables);
const all = [...rows, ...resolved, ...elsewhere].flatMap(({ outcomes }) => [...outcomes.values()]);
const passed = all.filter((outcome) => outcome.passed === true).length;
process.stdout.write(`${JSON.stringify({ ok: failures.length === 0, passed, failed: failures.length })}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
