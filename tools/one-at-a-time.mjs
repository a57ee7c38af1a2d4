// What only one process may do at a time in this folder: install, build. Plain Node, because nothing is installed yet.
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const CHECK_MS = 200;

/** The running process that a file names, if there is one. */
function holderOf(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (!Number.isInteger(pid) || pid <= 0) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? 'of another user' : undefined;
  }
}

/** Creates a file that names this process, whole or not at all: nobody finds it empty. @returns whether it was not there before */
function make(file) {
  const beside = `${file}.${randomUUID()}`;
  writeFileSync(beside, String(process.pid), { flag: 'wx' });
  try {
    linkSync(beside, file);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** Removes what a killed process left. Of several that find it one at a time checks again, so that none removes a new one. */
function clear(file) {
  const turn = `${file}.turn`;
  if (!make(turn)) {
    if (holderOf(turn) === undefined) rmSync(turn, { force: true });
    return;
  }
  try {
    if (holderOf(file) === undefined) rmSync(file, { force: true });
  } finally {
    rmSync(turn, { force: true });
  }
}

/**
 * Waits until no other process holds a file, and holds it.
 * @param file names the process that holds it
 * @param onWait called once with that process, when there is something to wait for
 * @param signal ends the wait: its reason is thrown
 * @returns lets the next one have it
 */
export async function takeTurn(file, onWait, signal) {
  mkdirSync(dirname(file), { recursive: true });
  for (let announced = false; !make(file);) {
    const holder = holderOf(file);
    if (holder === undefined) {
      clear(file);
      continue;
    }
    if (!announced) onWait(holder);
    announced = true;
    await delay(CHECK_MS, undefined, { signal });
  }
  return () => rmSync(file, { force: true });
}
