// `npm start`: builds what is not built (cached by nx), then runs the stack on the pinned Node.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startBuild } from './build.mjs';
import { pinnedNode } from './pinned-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = pinnedNode(root);
const wanted = process.argv.slice(2);

/** What runs now, and how a signal reaches all of it. */
let passOn = () => {};
let stopped;
for (const signal of ['SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    stopped = signal;
    passOn(signal);
  });
// npm, or the shell between it and this process, may end without passing its signal on.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid === parent || stopped !== undefined) return;
  stopped = 'SIGTERM';
  passOn('SIGTERM');
}, 250).unref();
// Ctrl-C reaches the stack by itself, being of the same terminal.
process.on('SIGINT', () => {
  stopped ??= 'SIGINT';
});

const ended = (child) =>
  new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });

/** The command line as it is written, by Node's own type stripping: help needs no build. */
function help() {
  const names = /natsServices = \[([^\]]*)\]/.exec(
    readFileSync(`${root}tools/backing-services/src/nats-configuration.ts`, 'utf8'),
  );
  const services = JSON.stringify([...(names?.[1] ?? '').matchAll(/'([\w-]+)'/g)].map(([, name]) => name));
  const program = `
    const { createProgram } = await import(${JSON.stringify(new URL('stack/src/arguments.ts', import.meta.url).href)});
    createProgram(${services}, ${JSON.stringify(`${root}.countersign`)}).parse(['node', 'start', '--help']);`;
  return ended(
    spawn(node, ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program], {
      stdio: 'inherit',
    }),
  );
}

async function build() {
  const begun = Date.now();
  const building = startBuild();
  if (building === undefined) return;
  passOn = building.end;
  const failure = await building.failure;
  passOn = () => {};
  if (stopped !== undefined) process.exit(stopped === 'SIGINT' ? 130 : 143);
  if (failure !== undefined) {
    process.stderr.write(failure);
    process.exit(1);
  }
  process.stderr.write(`Built in ${((Date.now() - begun) / 1000).toFixed(1)} s\n`);
}

function stack() {
  const child = spawn(node, [`${root}tools/stack/dist/main.js`, ...wanted], { stdio: 'inherit' });
  passOn = (signal) => child.kill(signal);
  return ended(child);
}

if (wanted.includes('--help') || wanted.includes('-h')) process.exitCode = await help();
else {
  await build();
  process.exitCode = await stack();
}
