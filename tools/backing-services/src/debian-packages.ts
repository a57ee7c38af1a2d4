import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Whether this user may run the file. */
export function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first of the programs that is on the PATH. */
export function onPath(...names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(executable);
}

/** Where unpacked packages are kept between runs. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'countersign', name);
}

/** A step of fetching or unpacking failed. */
export class PackageUnavailable extends Error {
  readonly code = 'PACKAGE_UNAVAILABLE';
}

/** Maximum time of one apt-get or dpkg command, in milliseconds. */
const LIMIT_MS = 240_000;

export interface DebianPackage {
  readonly name: string;
  /** Also unpack what the package needs and this system does not have installed. */
  readonly withDependencies?: boolean;
  /** Where the unpacked files end up. */
  readonly folder: string;
}

/**
 * Unpacks a Debian package into a folder, without root: lists, cache and status of the system's own apt stay untouched, nothing is
 * installed, no script of a package runs.
 * @throws {PackageUnavailable}
 */
export function unpackDebianPackage({ name, withDependencies = false, folder }: DebianPackage): void {
  const env = { ...process.env, LC_ALL: 'C' };
  if (spawnSync('apt-get', ['--version'], { env }).status !== 0)
    throw new PackageUnavailable('this system has no apt-get to get it with');
  const draft = `${folder}.${String(process.pid)}`;
  for (const path of ['lists/partial', 'cache/archives/partial', 'state', 'unpacked'])
    mkdirSync(join(draft, path), { recursive: true });
  const run = (command: string, ...args: string[]): string => {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: draft,
      encoding: 'utf8',
      timeout: LIMIT_MS,
      env,
    });
    if (status !== 0)
      throw new PackageUnavailable(`${command} failed: ${(error?.message ?? stderr).trim().slice(-300)}`);
    return stdout;
  };
  const dirs = { 'Dir::State': 'state', 'Dir::State::Lists': 'lists', 'Dir::Cache': 'cache' };
  const options = [
    ...Object.entries(dirs).flatMap(([key, path]) => ['-o', `${key}=${join(draft, path)}`]),
    ...['-o', 'Dir::State::status=/var/lib/dpkg/status', '-o', 'APT::Sandbox::User=', '-q'],
  ];
  /** What an installation would install, determined by a dry run. */
  const missing = (): readonly string[] =>
    [...run('apt-get', ...options, '-s', '--no-install-recommends', 'install', name).matchAll(/^Inst (\S+)/gm)].map(
      ([, found = '']) => found,
    );
  try {
    run('apt-get', ...options, 'update');
    run('apt-get', ...options, 'download', ...(withDependencies ? missing() : [name]));
    const archives = readdirSync(draft).filter((file) => file.endsWith('.deb'));
    if (archives.length === 0) throw new PackageUnavailable('apt-get downloaded no package');
    for (const archive of archives) run('dpkg', '-x', archive, 'unpacked');
    mkdirSync(join(folder, '..'), { recursive: true });
    try {
      renameSync(join(draft, 'unpacked'), folder);
    } catch (error) {
      // Another process may have done it already.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
