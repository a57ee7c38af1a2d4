// Before start and test: installs when node_modules is absent or older than the lock file. Plain Node, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { takeTurn } from './one-at-a-time.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
const lock = `${root}package-lock.json`;
const marker = `${root}.installing`;

const isInstalled = () => existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;

function install() {
  console.error('Installing packages (npm ci) …');
  const begun = Date.now();
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(
      'npm ci failed; the lines above say why. Without a network, copy node_modules from a machine that has one.',
    );
    return status ?? 1;
  }
  // The lock file may carry a later time than the clock that npm wrote with.
  const now = new Date();
  utimesSync(installed, now, now);
  console.error(`Installed in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  return 0;
}

if (!isInstalled()) {
  // `npm ci` begins by removing node_modules, so only one of several commands in this folder may be at it.
  const release = await takeTurn(marker, (holder) =>
    console.error(`Another command (process ${holder}) is installing packages here; waiting for it …`),
  );
  try {
    process.exitCode = isInstalled() ? 0 : install();
  } finally {
    release();
  }
}
