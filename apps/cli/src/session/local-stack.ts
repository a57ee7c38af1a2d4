import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { messageOf } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';

const policySchema = z.object({ audiences: z.record(z.string(), z.array(z.string())).default({}) });
const clientsSchema = z.object({
  clients: z.array(z.object({ client_id: z.string(), policy: policySchema.default({ audiences: {} }) })),
});

/** A client of the local stack and the scopes that it may request, by audience. */
export interface LocalClient {
  readonly clientId: string;
  readonly keyFile: string;
  readonly audiences: Readonly<Record<string, readonly string[]>>;
}

/** What `npm start` wrote to its folder: the clients, and where the services listen. */
export interface LocalStack {
  readonly directory: string;
  readonly clients: readonly LocalClient[];
  /** @returns the service's URL as the stack last started it */
  urlOf(service: string): string | undefined;
  /** @returns the service's database URL, if the stack stores it (compose does not) */
  databaseUrlOf(service: string): string | undefined;
}

/** The nearest `.countersign` folder, from here upwards. */
function findDirectory(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, '.countersign');
    if (existsSync(join(candidate, 'env', 'clients.json'))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function readClients(directory: string): readonly LocalClient[] {
  const path = join(directory, 'env', 'clients.json');
  try {
    const { clients } = clientsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return clients
      .map(({ client_id: clientId, policy }) => ({
        clientId,
        keyFile: join(directory, 'env', `${clientId}-key.json`),
        audiences: policy.audiences,
      }))
      .filter(({ keyFile }) => existsSync(keyFile));
  } catch (error) {
    const reason = messageOf(error);
    throw new CliError(
      ExitCode.usage,
      'STACK_UNREADABLE',
      `${path} cannot be read: ${reason}`,
      'Start the local stack again (npm start), or choose another directory with --stack.',
    );
  }
}

/**
 * The local stack's folder.
 * @param directory as given by `--stack`; the nearest `.countersign` upwards of the working directory by default
 * @returns undefined if no stack was ever started
 * @throws {CliError} when the named folder contains none
 */
export function findLocalStack(directory: string | undefined, from = process.cwd()): LocalStack | undefined {
  const found = directory === undefined ? findDirectory(from) : resolve(directory);
  if (found === undefined) return undefined;
  const clients = readClients(found);
  const variablesOf = (service: string): NodeJS.Dict<string> => {
    const path = join(found, 'env', `${service}.env`);
    return !/^[a-z]+$/.test(service) || !existsSync(path) ? {} : parseEnv(readFileSync(path, 'utf8'));
  };
  return {
    directory: found,
    clients,
    urlOf(service) {
      const { HOST = '127.0.0.1', PORT } = variablesOf(service);
      return PORT === undefined ? undefined : `http://${HOST}:${PORT}`;
    },
    databaseUrlOf(service) {
      const { DATABASE_URL, DATABASE_URL_FILE } = variablesOf(service);
      if (DATABASE_URL !== undefined || DATABASE_URL_FILE === undefined) return DATABASE_URL;
      return existsSync(DATABASE_URL_FILE) ? readFileSync(DATABASE_URL_FILE, 'utf8').trim() : undefined;
    },
  };
}
