// What only one process may do at a time in this folder: install, build. Plain Node, because nothing is installed yet.
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const CHECK_MS = 200;

/** The running process that a file names; undefined when the file is not there, null when that process has ended. */
function holderOf(file) {
  let pid;
  try {
    pid = Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  }
  try {
    if (!Number.isInteger(pid) || pid <= 0) return null;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? 'of another user' : null;
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

/**
 * Removes what a killed process left. Of several that find it one at a time checks again, so that none removes a new one; what is not there may be
 * made at this moment.
 */
function clear(file) {
  const turn = `${file}.turn`;
  if (!make(turn)) {
    if (holderOf(turn) === null) rmSync(turn, { force: true });
    return;
  }
  try {
    if (holderOf(file) === null) rmSync(file, { force: true });
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
    if (holder === null) clear(file);
    if (holder === undefined || holder === null) continue;
    if (!announced) onWait(holder);
    announced = true;
    await delay(CHECK_MS, undefined, { signal });
  }
  return () => rmSync(file, { force: true });
}
