// `npm run faults`: builds what is not built (cached by nx), then strikes a stack of real processes on the pinned Node.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = `${root}node_modules/.bin`;
const build = spawnSync(`${bin}/nx`, ['run-many', '-t', 'build', '--outputStyle=static', '--parallel=2'], {
  cwd: root,
  encoding: 'utf8',
  env: { ...process.env, NX_TUI: 'false', NX_DAEMON: 'false' },
});
if (build.status !== 0) {
  process.stderr.write(`${build.stdout}\n${build.stderr}\nThe build failed; the lines above say where.\n`);
  process.exit(1);
}
const faults = spawn(`${bin}/node`, [`${root}tools/stack/dist/faults/main.js`, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// Ctrl-C reaches the run by itself, being of the same terminal; a kill of this process must be passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => faults.kill('SIGINT'));
faults.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
