import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, removePostgresData, trustedFolder } from '@countersign/backing-services';
import { hasCode, StackError } from './stack-error.js';

const MARK = 'countersign-stack';

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

function lock(path: string): string {
  const file = join(path, 'lock');
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx', mode: 0o600 });
      return file;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      const pid = Number(readFileSync(file, 'utf8'));
      if (isStack(pid)) {
        throw new StackError(
          `A stack is already running here (process ${String(pid)}). Stop it with Ctrl-C in its terminal (or kill ${String(pid)}), ` +
            'or start another one beside it: npm start -- --directory /tmp/other-stack --port-base 5000',
        );
      }
      rmSync(file, { force: true });
    }
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
