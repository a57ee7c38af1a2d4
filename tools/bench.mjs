// `npm run bench -- NAME`: builds what is not built (cached by nx), then measures on the pinned Node.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = `${root}node_modules/.bin`;
const build = spawnSync(`${bin}/nx`, ['run-many', '-t', 'build', '--outputStyle=static', '--parallel=2'], {
  cwd: root,
  encoding: 'utf8',
  env: { ...process.env, NX_TUI: 'false', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' },
});
if (build.status !== 0) {
  process.stderr.write(`${build.stdout}\n${build.stderr}\nThe build failed; the lines above say where.\n`);
  process.exit(1);
}
const { status } = spawnSync(
  `${bin}/node`,
  ['--expose-gc', `${root}tools/bench/dist/main.js`, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
