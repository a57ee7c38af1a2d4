import { spawnSync } from 'node:child_process';
import { lchownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Binaries } from './postgres-binaries.js';
import { type RunAs } from './run-as.js';

/** Where a data folder is created, and the user. */
export interface NewCluster {
  readonly binaries: Pick<Binaries, 'initdb'>;
  readonly data: string;
  /** Holds the data folder; nobody else writes to it. */
  readonly base: string;
  readonly user: RunAs | undefined;
}

/**
 * Creates a data folder next to its final place and moves it there complete: one half created when the machine went down would be taken for a database, and
 * no later start would get past it.
 * @param password the superuser's
 * @throws {Error} with what initdb said
 */
export function initialise(
  { binaries, data, base, user }: NewCluster,
  password: string,
  ...further: readonly string[]
): void {
  const passwordFile = join(base, `.initial-${String(process.pid)}`);
  const draft = `${data}.part`;
  const remove = (...paths: readonly string[]): void => {
    for (const path of paths) rmSync(path, { recursive: true, force: true });
  };
  remove(passwordFile, draft);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' });
  mkdirSync(draft, { mode: 0o700 });
  if (user !== undefined) for (const path of [passwordFile, draft]) lchownSync(path, user.uid, user.gid);
  const place = ['-D', draft, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  const args = [...place, '-E', 'UTF8', '--locale=C', '--no-sync', ...further];
  const { status, stderr } = spawnSync(binaries.initdb, args, { ...user, cwd: base, encoding: 'utf8' });
  remove(passwordFile);
  if (status !== 0) {
    remove(draft);
    throw new Error(`PostgreSQL could not make its data folder ${data}:\n${stderr}`);
  }
  // A folder of this name without a database is left over from an interrupted start.
  remove(data);
  renameSync(draft, data);
}
