// Before start and test: installs when node_modules is absent or older than the lock file. Plain Node, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;
const lock = `${root}package-lock.json`;
const marker = `${root}.installing`;

const isInstalled = () => existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** `npm ci` begins by removing node_modules, so only one of several commands in this folder may be at it. */
async function takeMarker() {
  for (let announced = false; ;) {
    try {
      writeFileSync(marker, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = existsSync(marker) ? Number(readFileSync(marker, 'utf8')) : 0;
    if (pid > 0 && isAlive(pid)) {
      if (!announced) console.error(`Another command (process ${pid}) is installing packages here; waiting for it …`);
      announced = true;
      await delay(500);
    } else rmSync(marker, { force: true });
  }
}

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
  await takeMarker();
  try {
    process.exitCode = isInstalled() ? 0 : install();
  } finally {
    rmSync(marker, { force: true });
  }
}
