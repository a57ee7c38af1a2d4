import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError, ExitCode } from '../cli-error.js';

const CHECK_MS = 50;

/** The code of a failed system call, such as `ENOENT`. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** Whether the process that a lock names has ended. Nothing is known about a process of another machine, or an invalid name. */
async function isAbandoned(lock: string): Promise<boolean> {
  let holder: string;
  try {
    holder = await readFile(lock, 'utf8');
  } catch {
    return false;
  }
  const [pid, host] = holder.split('@', 2);
  if (host !== hostname() || pid === undefined || !/^[1-9]\d{0,9}$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** Atomically creates a file that names this process. @returns false if it already existed */
async function make(path: string): Promise<boolean> {
  const beside = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(beside, `${String(process.pid)}@${hostname()}`, { mode: 0o600, flag: 'wx' });
    await link(beside, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}

/** Removes the lock of a process that has ended. Of several that see it abandoned, one at a time checks again, so that none removes a new one. */
async function clear(lock: string): Promise<void> {
  if (!(await isAbandoned(lock))) return;
  const turn = `${lock}.turn`;
  if (!(await make(turn))) {
    if (await isAbandoned(turn)) await rm(turn, { force: true });
    return;
  }
  try {
    if (await isAbandoned(lock)) await rm(lock, { force: true });
  } finally {
    await rm(turn, { force: true });
  }
}

/**
 * Takes a lock between processes: a file that names its holder. The lock of a killed process is taken over.
 * @returns a function that releases it
 * @throws {CliError} `LOGIN_LOCKED`
 */
export async function takeLock(lock: string, patienceMs: number): Promise<() => void> {
  const until = Date.now() + patienceMs;
  while (!(await make(lock))) {
    await clear(lock);
    if (Date.now() >= until) {
      const hint = `If no other command is running, one was interrupted: delete ${lock}`;
      throw new CliError(ExitCode.unreachable, 'LOGIN_LOCKED', 'another command is using this login', hint);
    }
    await delay(CHECK_MS);
  }
  const release = (): void => {
    process.off('exit', release);
    rmSync(lock, { force: true });
  };
  process.on('exit', release);
  return release;
}
