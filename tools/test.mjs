// Everything that must hold before a change lands: format, lint, types, tests. Ends with one line, `N passed, N failed`.
import { spawn } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { testFolder } from './backing-services/src/test-folder.ts';
import { buildEverything, compileCache, buildEnvironment, nxEnvironment } from './build.mjs';

const given = process.argv.slice(2);
if (given.length > 0) {
  const isHelp = given.every((word) => ['--help', '-h'].includes(word));
  if (!isHelp) process.stderr.write(`error: npm test takes no arguments, so not: ${given.join(' ')}\n\n`);
  process[isHelp ? 'stdout' : 'stderr'].write(`Usage: npm test

Builds everything, checks format, lint and types, and runs all tests; about five minutes on two cores.

One project's tests:  npx nx test <project>
One file of them:     npx nx test <project> -- <pattern>
`);
  process.exit(isHelp ? 0 : 2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const started = Date.now();
const counts = { passed: 0, failed: 0 };
/** For whatever tests put into temporary folders. */
const temporary = testFolder();
const removeTemporary = () => rmSync(temporary, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => {
    removeTemporary();
    process.exit(128 + constants.signals[signal]);
  });
const usual = {
  // The copy of a workspace is made by hard links, which memory cannot have to files on a disk.
  COUNTERSIGN_COPY_DIRECTORY: tmpdir(),
  ...process.env,
  ...nxEnvironment,
  PATH: `${root}node_modules/.bin:${process.env.PATH}`,
  // Hundreds of processes load the same modules: what one compiled, later ones read.
  NODE_COMPILE_CACHE: compileCache,
  TMPDIR: temporary,
};
// One core for each of two lanes: the linter's threads check the same types again, as the compiler's would.
let environment = { ...usual, ...buildEnvironment, GOMAXPROCS: '1' };

/** Runs one step. What it prints comes out in one piece at its end, because two steps may run at once; the tests' comes as it is. */
async function step(name, command, args, { cwd = '.', live = false } = {}) {
  const begun = Date.now();
  if (live) console.log(`\n── ${name}`);
  const child = spawn(command, args, {
    cwd: `${root}${cwd}`,
    env: environment,
    stdio: ['ignore', ...Array(2).fill(live ? 'inherit' : 'pipe')],
  });
  const output = [];
  child.stdout?.on('data', (chunk) => output.push(chunk));
  child.stderr?.on('data', (chunk) => output.push(chunk));
  const status = await new Promise((resolve) => {
    child.on('error', (error) => {
      output.push(Buffer.from(`${error.message}\n`));
      resolve(1);
    });
    child.on('close', resolve);
  });
  const ok = status === 0;
  if (!live) console.log(`\n── ${name}\n${Buffer.concat(output).toString()}`);
  console.log(`── ${name}: ${ok ? 'ok' : 'FAILED'} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  return ok;
}

/** Runs steps one after another and counts them. */
async function lane(...steps) {
  for (const [name, command, ...args] of steps) counts[(await step(name, command, args)) ? 'passed' : 'failed'] += 1;
}

/** Runs steps two at a time, the longest first, for two cores: a lane that is free takes the next one. */
async function twoLanes(...steps) {
  const take = async () => {
    for (let next = steps.shift(); next !== undefined; next = steps.shift()) await lane(next);
  };
  await Promise.all([take(), take()]);
}

// Several threads check the same types several times, which costs half as much processor time again, and both cores have work.
const tsc = ['node', 'node_modules/typescript7/bin/tsc', '--singleThreaded', '-p'];
// A stale project graph lets every import pass the module boundaries in silence.
await Promise.all([
  lane(['project graph forgotten', 'nx', 'reset', '--onlyWorkspaceData'], ['project graph', 'nx', 'show', 'projects']),
  lane(['format', 'node', 'tools/format-check.mjs']),
]);
// All projects' types are checked as one program, which is four times as quick as one by one.
await twoLanes(
  ['build', 'nx', ...buildEverything, '--parallel=1'],
  ['lint', 'oxlint', '--type-aware', '--threads=1'],
  ['typecheck', ...tsc, 'tsconfig.json'],
  ['typecheck of the console', ...tsc, 'apps/console/tsconfig.json'],
);

// All is built: no lane may put a project's files back from the cache while another lane's processes load them. NATS is written in Go too, and
// lives long enough for its garbage to count.
environment = { ...usual, COUNTERSIGN_BUILT: '1' };
const { command } = JSON.parse(readFileSync(`${root}nx.json`, 'utf8')).targetDefaults.test.options;
/** Projects' `test` targets one after another, as nx runs them, which itself takes a second of processor time. */
async function tests(...folders) {
  const results = [];
  for (const folder of folders) results.push(await step(`tests of ${folder}`, 'sh', ['-c', command], { cwd: folder }));
  return results;
}
// Lanes that take about as long as each other: two cores have work from the others while a spec waits for a process or a timer. Whatever takes
// minutes begins first, because what begins last is waited for alone.
const lanes = [
  ['tools/stack', 'apps/accounts', 'apps/cli'],
  ['tools/faults', 'tools/release', 'tools/generators'],
  ['apps/issuer'],
];
const named = lanes.flat().map((folder) => folder.split('/')[1]);
const others = ['run-many', '-t', 'test', '--outputStyle=static', '--excludeTaskDependencies', '--parallel=2'];
const testsOk = (
  await Promise.all([
    ...lanes.map((folders) => tests(...folders)),
    step('tests of all others', 'nx', [...others, `--exclude=${named.join()}`], { live: true }),
  ])
)
  .flat()
  .every(Boolean);
let failedTests = 0;
const failures = [];
for (const file of globSync('{apps,libs,tools,examples}/*/test-results/jest.json', { cwd: root })) {
  const result = JSON.parse(readFileSync(`${root}${file}`, 'utf8'));
  counts.passed += result.numPassedTests;
  failedTests += result.numFailedTests + result.numRuntimeErrorTestSuites;
  for (const suite of result.testResults) {
    const failed = suite.assertionResults.filter(({ status }) => status === 'failed');
    for (const { fullName, failureMessages } of failed)
      failures.push([suite.name, fullName, failureMessages.join('\n')]);
    if (suite.status === 'failed' && failed.length === 0) failures.push([suite.name, 'did not run', suite.message]);
  }
}
counts.failed += testsOk ? failedTests : Math.max(failedTests, 1);

// Failures come last, because a reader of a long log looks there first.
for (const [file, name, message] of failures)
  console.log(`\n✗ ${file.replace(root, '')}\n  ${name}\n${stripVTControlCharacters(message).slice(0, 3000)}`);

removeTemporary();
console.log(`\n${((Date.now() - started) / 1000).toFixed(0)} seconds`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
