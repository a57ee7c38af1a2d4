// Everything that must hold before a change lands: format, lint, types, tests. Ends with one line, `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const started = Date.now();
const counts = { passed: 0, failed: 0 };
const environment = {
  ...process.env,
  NX_TUI: 'false',
  NX_DAEMON: 'false',
  PATH: `${root}node_modules/.bin:${process.env.PATH}`,
};

function step(name, command, ...args) {
  const begun = Date.now();
  console.log(`\n── ${name}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: environment });
  const ok = status === 0;
  console.log(`── ${name}: ${ok ? 'ok' : 'FAILED'} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  return ok;
}

// A stale project graph lets every import pass the module boundaries in silence.
const steps = [
  ['project graph forgotten', 'nx', 'reset', '--onlyWorkspaceData'],
  ['project graph', 'nx', 'show', 'projects'],
  ['format', 'prettier', '--check', '.', '--log-level', 'warn'],
  ['lint', 'eslint', '.', '--max-warnings', '0'],
  ['lint with types', 'oxlint', '--type-aware'],
  ['typecheck', 'nx', 'run-many', '-t', 'typecheck', '--parallel=2', '--outputStyle=static'],
  ['build', 'nx', 'run-many', '-t', 'build', '--parallel=2', '--outputStyle=static'],
];
for (const [name, ...command] of steps) counts[step(name, ...command) ? 'passed' : 'failed'] += 1;

const testsOk = step('tests', 'nx', 'run-many', '-t', 'test', '--parallel=2', '--outputStyle=static');
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

// What failed stands at the end, where a reader of a long log looks first.
for (const [file, name, message] of failures)
  console.log(`\n✗ ${file.replace(root, '')}\n  ${name}\n${stripVTControlCharacters(message).slice(0, 3000)}`);

console.log(`\n${((Date.now() - started) / 1000).toFixed(0)} seconds`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
