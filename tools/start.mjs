// `npm start`: builds what is not built (cached by nx), then runs the stack on the pinned Node.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const begun = Date.now();
const build = spawnSync(
  `${root}node_modules/.bin/nx`,
  ['run-many', '-t', 'build', '--outputStyle=static', '--parallel=2'],
  {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NX_TUI: 'false', NX_DAEMON: 'false' },
  },
);
if (build.status !== 0) {
  process.stderr.write(`${build.stdout}\n${build.stderr}\nThe build failed; the lines above say where.\n`);
  process.exit(1);
}
process.stderr.write(`Built in ${((Date.now() - begun) / 1000).toFixed(1)} s\n`);

const stack = spawn(`${root}node_modules/.bin/node`, [`${root}tools/stack/dist/main.js`, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// Ctrl-C reaches the stack by itself, being of the same terminal; a kill of this process must be passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => stack.kill('SIGTERM'));
stack.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
