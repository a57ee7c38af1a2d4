// `node tools/run-built.mjs [NODE-OPTIONS…] FILE ARGUMENTS…`: builds what is not built (cached by nx), then runs the built file on the pinned
// Node.
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = `${root}node_modules/.bin`;
// `npm test` built everything; another build would replace files that other specs' processes are loading.
if (process.env.COUNTERSIGN_BUILT !== '1') {
  const build = spawnSync(`${bin}/nx`, ['run-many', '-t', 'build', '--outputStyle=static', '--parallel=2'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NX_TUI: 'false', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' },
  });
  if (build.status !== 0) {
    process.stderr.write(`${build.stdout}\n${build.stderr}\nThe build failed; the lines above say where.\n`);
    process.exit(1);
  }
}
const given = process.argv.slice(2);
const options = given.slice(
  0,
  given.findIndex((one) => !one.startsWith('--')),
);
const [file, ...rest] = given.slice(options.length);
const running = spawn(`${bin}/node`, [...options, `${root}${file}`, ...rest], { stdio: 'inherit' });
// Ctrl-C reaches the run by itself, being of the same terminal; a kill of this process must be passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => running.kill('SIGINT'));
running.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
