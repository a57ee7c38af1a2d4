import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** There is no nats-server, and none could be had: the message says what to install. */
export class NatsServerMissing extends Error {
  readonly code = 'NATS_SERVER_MISSING';
  constructor(reason: string) {
    super(
      `nats-server was not found (${reason}).\n` +
        'Install it and start again: apt-get install nats-server (Debian, Ubuntu), brew install nats-server (macOS), ' +
        'or put the official release of nats-server on the PATH.',
    );
    this.name = 'NatsServerMissing';
  }
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'countersign', 'nats-server');
}

/** Debian's package into a folder, without root: lists and cache of apt's own are not touched. */
function unpackFromDebian(folder: string): void {
  const draft = `${folder}.${String(process.pid)}`;
  for (const name of ['lists/partial', 'cache/archives/partial', 'state'])
    mkdirSync(join(draft, name), { recursive: true });
  const run = (command: string, ...args: string[]): void => {
    const { status, stderr, error } = spawnSync(command, args, { cwd: draft, encoding: 'utf8', timeout: 120_000 });
    if (status !== 0)
      throw new NatsServerMissing(`${command} failed: ${(error?.message ?? stderr).trim().slice(-300)}`);
  };
  const dirs = { 'Dir::State': 'state', 'Dir::State::Lists': 'lists', 'Dir::Cache': 'cache' };
  const options = Object.entries(dirs).flatMap(([name, path]) => ['-o', `${name}=${join(draft, path)}`]);
  try {
    run('apt-get', ...options, '-o', 'APT::Sandbox::User=', '-q', 'update');
    run('apt-get', ...options, '-o', 'APT::Sandbox::User=', '-q', 'download', 'nats-server');
    const archive = readdirSync(draft).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new NatsServerMissing('apt-get downloaded no package');
    run('dpkg', '-x', archive, 'unpacked');
    mkdirSync(join(folder, '..'), { recursive: true });
    try {
      renameSync(join(draft, 'unpacked'), folder);
    } catch (error) {
      // Another process may have been as quick.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * Finds a nats-server: on the PATH, else in the cache folder, else unpacked there from Debian's package without root.
 * @throws {NatsServerMissing}
 */
export function findNatsServer(): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  const found = [...onPath, '/usr/sbin/nats-server', '/usr/local/sbin/nats-server'].find(executable);
  if (found !== undefined) return found;
  const folder = cacheFolder();
  const cached = join(folder, 'usr', 'sbin', 'nats-server');
  if (executable(cached)) return cached;
  if (spawnSync('apt-get', ['--version']).status !== 0)
    throw new NatsServerMissing('this system has no apt-get to get it with');
  unpackFromDebian(folder);
  if (!executable(cached)) throw new NatsServerMissing("Debian's package does not hold it where it is looked for");
  return cached;
}
