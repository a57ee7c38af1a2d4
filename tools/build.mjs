// Builds what has not been built (cached by nx), for `npm start`, for the commands that run a built file, and for `npm test`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isBuilt, recordBuilt } from './built.mjs';
import { takeTurn } from './one-at-a-time.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** For each run of nx: plugins in its own process, because separate processes cost a second. */
export const nxEnvironment = { NX_TUI: 'false', NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' };

/**
 * For compilers, linters and bundlers. Those written in Go end before their garbage is worth a fifth of their time; the bundler's allocator does
 * not get memory in pages of 2 MiB, which Linux fills with zeros whether they are used or not: a fifth of the time of bundling a service.
 */
export const buildEnvironment = { GOGC: 'off', GOMEMLIMIT: '2GiB', MIMALLOC_ARENA_EAGER_COMMIT: '0' };

/** Node's compile cache. The stack's services set it themselves (tools/stack/src/services.ts). */
export const compileCache = `${root}node_modules/.cache/compiled`;

/** The arguments of nx. */
export const buildEverything = ['run-many', '-t', 'build', '--outputStyle=static'];

/**
 * Starts to build. SIGINT, SIGTERM and SIGHUP of this process end the build.
 * @returns `undefined` where nothing has changed since the last build, and where `npm test` has built everything: another build would replace files
 *   that other specs' processes are loading. Otherwise `end`, which stops the build, and `failure`: what it printed, or `undefined` when it succeeded
 */
export function startBuild() {
  if (process.env.COUNTERSIGN_BUILT === '1' || isBuilt(root)) return undefined;
  const stopping = new AbortController();
  const end = () => stopping.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, end);
  const failure = buildInTurn(stopping.signal).finally(() => {
    for (const signal of signals) process.off(signal, end);
  });
  return { end, failure };
}

/** One command after another: a build first removes what it replaces, which another's services may be loading. */
async function buildInTurn(signal) {
  const say = (holder) =>
    process.stderr.write(`Another command (process ${holder}) is building here; waiting for it …\n`);
  const release = await takeTurn(`${root}node_modules/.cache/building`, say, signal).catch((error) => {
    if (!signal.aborted) throw error;
  });
  if (release === undefined) return 'Stopped before the build.\n';
  try {
    return isBuilt(root) ? undefined : await build(signal);
  } finally {
    release();
  }
}

async function build(signal) {
  const begunMs = Date.now();
  const nx = spawn(`${root}node_modules/.bin/nx`, [...buildEverything, '--parallel=2'], {
    cwd: root,
    // A separate group, so that a stop reaches the compilers too.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...nxEnvironment, ...buildEnvironment },
  });
  const end = () => {
    try {
      process.kill(-nx.pid, 'SIGTERM');
    } catch {
      // It had ended by itself.
    }
  };
  signal.addEventListener('abort', end);
  let output = '';
  for (const stream of [nx.stdout, nx.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    nx.on('error', (error) => resolve(`${error.message}\n`));
    nx.on('close', (code) => {
      if (code === 0) recordBuilt(root, begunMs);
      resolve(code === 0 ? undefined : `${output}\nThe build failed; the lines above say where.\n`);
    });
  });
}
