import { join } from 'node:path';
import { cacheFolder, executable, onPath, PackageUnavailable, unpackDebianPackage } from './debian-packages.js';

/** There is no nats-server, and none could be obtained: the message says what to install. */
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

/**
 * Finds a nats-server: on the PATH, else in the cache folder, else unpacked there from Debian's package without root.
 * @throws {NatsServerMissing}
 */
export function findNatsServer(): string {
  const found = onPath('nats-server') ?? ['/usr/sbin/nats-server', '/usr/local/sbin/nats-server'].find(executable);
  if (found !== undefined) return found;
  const folder = cacheFolder('nats-server');
  const cached = join(folder, 'usr', 'sbin', 'nats-server');
  if (executable(cached)) return cached;
  try {
    unpackDebianPackage({ name: 'nats-server', folder });
  } catch (error) {
    throw error instanceof PackageUnavailable ? new NatsServerMissing(error.message) : error;
  }
  if (!executable(cached)) throw new NatsServerMissing("Debian's package does not hold it where it is looked for");
  return cached;
}
