import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perService, type NatsPasswords } from './nats-configuration.js';
import { startNats, type Nats } from './nats.js';
import { startPostgres, type GuardedUrls, type Postgres } from './postgres.js';

/** Real PostgreSQL and NATS in a temporary folder, on free ports. */
export interface BackingServices {
  readonly postgres: Postgres;
  readonly nats: Nats;
  readonly passwords: NatsPasswords;
  /** A new, empty database with one login for all. */
  database(name: string): Promise<string>;
  /** A new, empty database with a login for the service and one for its migrations. */
  guardedDatabase(name: string): Promise<GuardedUrls>;
  stop(): Promise<void>;
}

export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

export function newNatsPasswords(): NatsPasswords {
  return perService(() => newPassword());
}

/**
 * Starts both for a spec; call `stop` when done, which leaves nothing behind.
 * @param services further services that have an account on NATS beside the stack's
 * @param durable whether PostgreSQL syncs each commit to disk, as it does in production: for figures. A spec's data need not survive a crash
 */
export async function startBackingServices({
  services = [],
  durable = false,
}: { readonly services?: readonly string[]; readonly durable?: boolean } = {}): Promise<BackingServices> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  const own = services.map((name) => [name, newPassword()] as const);
  const passwords: NatsPasswords = { ...Object.fromEntries(own), ...newNatsPasswords() };
  const [postgres, nats] = await Promise.all([
    startPostgres({ directory: join(directory, 'postgres'), password: newPassword(), fast: !durable }),
    startNats({ directory: join(directory, 'nats'), passwords }),
  ]);
  return {
    postgres,
    nats,
    passwords,
    database: (name) => postgres.createDatabase(name, newPassword()),
    guardedDatabase: (name) =>
      postgres.createGuardedDatabase(name, { service: newPassword(), migrator: newPassword() }),
    async stop() {
      await Promise.all([postgres.stop(), nats.stop()]);
      for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
    },
  };
}
