// `node tools/run-built.mjs [NODE-OPTIONS…] FILE ARGUMENTS…`: builds what is not built (cached by nx), then runs the built file on the pinned
// Node.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startBuild } from './build.mjs';
import { pinnedNode } from './pinned-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = pinnedNode(root);
const failure = await startBuild()?.failure;
if (failure !== undefined) {
  process.stderr.write(failure);
  process.exit(1);
}
const given = process.argv.slice(2);
const options = given.slice(
  0,
  given.findIndex((one) => !one.startsWith('--')),
);
const [file, ...rest] = given.slice(options.length);
const running = spawn(node, [...options, `${root}${file}`, ...rest], { stdio: 'inherit' });
// Ctrl-C reaches the run by itself, being of the same terminal; a kill of this process must be passed on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => running.kill('SIGINT'));
running.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
