import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { commandOf, removePostgresData, trustedFolder } from '@countersign/backing-services';
import { hasCode, StackError } from './stack-error.js';

const MARK = 'countersign-stack';
/** More than starts at one moment: each that finds the lock of a killed stack may find another one removing it. */
const LOCK_ATTEMPTS = 1_000;

/** Where a stack keeps its data, keys and logs. Nothing but a folder that a stack made is ever removed. */
export interface StateDirectory {
  readonly path: string;
  release(): void;
}

function isEmptyFolder(path: string): boolean {
  return statSync(path).isDirectory() && readdirSync(path).length === 0;
}

function isStack(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) return false;
  return commandOf(pid).includes('stack/dist/main.js');
}

/** Creates a file that names this process, whole or not at all: nobody finds it empty. @returns whether it was not there before */
function make(file: string): boolean {
  const beside = `${file}.${randomUUID()}`;
  writeFileSync(beside, String(process.pid), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(beside, file);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return false;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** The process that a lock names; undefined if there is no such file. */
function holderOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether a lock is there that names no running stack. One that is not there may be made at this moment, and is not to be removed. */
function isLeft(file: string): boolean {
  const pid = holderOf(file);
  return pid !== undefined && !isStack(pid);
}

/** Removes the lock of a stack that was killed. Of several starts that find it one at a time checks again, so that none removes a new one. */
function clear(file: string): void {
  const turn = `${file}.turn`;
  if (!make(turn)) {
    if (isLeft(turn)) rmSync(turn, { force: true });
    return;
  }
  try {
    if (isLeft(file)) rmSync(file, { force: true });
  } finally {
    rmSync(turn, { force: true });
  }
}

function lock(path: string): string {
  const file = join(path, 'lock');
  for (let attempt = 0; attempt < LOCK_ATTEMPTS; attempt += 1) {
    if (make(file)) return file;
    const pid = holderOf(file);
    if (pid !== undefined && isStack(pid)) {
      throw new StackError(
        `A stack is already running here (process ${String(pid)}). Stop it with Ctrl-C in its terminal (or kill ${String(pid)}), ` +
          'or start another one beside it: npm start -- --directory /tmp/other-stack --port-base 5000',
      );
    }
    clear(file);
  }
  throw new StackError(`${file} cannot be written; remove it and start again.`);
}

/**
 * Takes the folder for this process.
 * @param reset begin from empty data
 * @throws {StackError} when a second stack is started next to the first, {UntrustedFolder} when another user could write there
 */
export function openStateDirectory(path: string, reset: boolean): StateDirectory {
  if (existsSync(path) && !existsSync(join(path, MARK))) {
    if (!isEmptyFolder(path))
      throw new StackError(`${path} exists but was not made by a stack; name another folder with --directory.`);
    chmodSync(path, 0o711);
  }
  mkdirSync(path, { recursive: true, mode: 0o711 });
  trustedFolder(path);
  writeFileSync(
    join(path, MARK),
    'Data, keys and logs of a local Countersign stack. Safe to remove while it is stopped.\n',
  );
  const file = lock(path);
  if (reset) {
    removePostgresData(join(path, 'postgres'));
    for (const name of ['nats', 'identities.json', 'env', 'kept', 'tokens'])
      rmSync(join(path, name), { recursive: true, force: true });
  }
  return {
    path,
    release() {
      rmSync(file, { force: true });
    },
  };
}
