import { join } from 'node:path';
import { type NatsPasswords, type Postgres } from '@countersign/backing-services';
import { writeSecret, type Guest, type Identities } from './identities.js';
import { portsFrom, serviceNames, writeEnvironment } from './services.js';

/** A user's own services get their own ports, well behind the stack's, its demo and its witnesses. */
const FIRST_GUEST = 50;

export interface GuestSurroundings {
  readonly directory: string;
  readonly portBase: number;
  readonly identities: Identities;
  readonly postgres: Postgres;
  readonly natsUrl: string;
}

/** Everyone who has an account on the stack's NATS: its services, and those of the user. */
export function natsPasswordsOf({ natsPasswords, guests }: Identities): NatsPasswords {
  const own = Object.entries(guests).map(([name, { natsPassword }]) => [name, natsPassword] as const);
  return { ...Object.fromEntries(own), ...natsPasswords };
}

/** Those that the stack does not start itself. */
function outside({ guests }: Identities): readonly (readonly [string, Guest])[] {
  const inside: ReadonlySet<string> = new Set(serviceNames);
  return Object.entries(guests).filter(([name]) => !inside.has(name));
}

/**
 * Gives each of the user's own services what the stack's have: a database, secrets in files, and `env/NAME.env` with all variables. Its one
 * login migrates and runs, as on a developer's machine.
 */
export async function prepareGuests(surroundings: GuestSurroundings): Promise<void> {
  const { directory, portBase, identities, postgres, natsUrl } = surroundings;
  const file = (name: string): string => join(directory, 'env', name);
  const issuer = `http://127.0.0.1:${String(portsFrom(portBase).issuer)}`;
  for (const [index, [name, guest]] of outside(identities).entries()) {
    const port = String(portBase + FIRST_GUEST + index);
    writeSecret(file(`${name}-database-url`), await postgres.createDatabase(name, guest.databasePassword));
    writeSecret(file(`${name}-nats-password`), guest.natsPassword);
    writeSecret(file(`${name}-key.json`), JSON.stringify(guest.key));
    writeEnvironment(directory, name, {
      PORT: port,
      HOST: '127.0.0.1',
      ISSUER_URL: issuer,
      RESOURCE_URL: `http://127.0.0.1:${port}`,
      CLIENT_ID: name,
      CLIENT_KEY_FILE: file(`${name}-key.json`),
      DATABASE_URL_FILE: file(`${name}-database-url`),
      NATS_URL: natsUrl,
      NATS_USER: name,
      NATS_PASSWORD_FILE: file(`${name}-nats-password`),
    });
  }
}

/** Where the user's own services find their variables. */
export function guestLines(identities: Identities, directory: string): readonly string[] {
  const names = outside(identities).map(([name]) => name);
  if (names.length === 0) return [];
  return [
    'Services of your own, each with its variables:',
    ...names.map((name) => `  ${name.padEnd(8)}  node --env-file='${join(directory, 'env', `${name}.env`)}' …`),
    '',
  ];
}
