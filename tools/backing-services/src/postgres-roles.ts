import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { natsServices } from './nats-configuration.js';

/** Databases whose tables belong to a role that nobody logs in as; any other database belongs to its login. */
const separatelyOwned: ReadonlySet<string> = new Set(natsServices);

/** The passwords of a database's two logins. */
export interface GuardedPasswords {
  readonly service: string;
  readonly migrator: string;
}

const ownerOf = (name: string): string => `${name}_owner`;
/** The login that migrates a service's database. */
export const migratorOf = (name: string): string => `${name}_migrator`;

async function ensureRole(client: pg.Client, name: string, login: string): Promise<void> {
  const found = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  await client.query(`${found.rowCount === 0 ? 'create' : 'alter'} role ${client.escapeIdentifier(name)} ${login}`);
}

const ensureLogin = (client: pg.Client, name: string, password: string): Promise<void> =>
  ensureRole(client, name, `login noinherit password ${client.escapeLiteral(password)}`);

interface Place {
  readonly name: string;
  readonly owner: string;
  readonly logins: readonly string[];
  /** The database to copy, if it does not exist yet. */
  readonly template?: string | undefined;
}

/** Creates the database, and grants only the named logins the right to connect. */
async function ensureDatabase(client: pg.Client, { name, owner, logins, template }: Place): Promise<void> {
  const database = client.escapeIdentifier(name);
  const { rows } = await client.query<{ owner: string }>(
    'select pg_get_userbyid(datdba) as owner from pg_database where datname = $1',
    [name],
  );
  const [found] = rows;
  const from = template === undefined ? '' : ` template ${client.escapeIdentifier(template)} strategy file_copy`;
  if (found === undefined)
    await client.query(`create database ${database} owner ${client.escapeIdentifier(owner)}${from}`);
  else if (found.owner !== owner)
    throw new Error(
      `The database ${name} belongs to ${found.owner}, not to ${owner}: an earlier version made it. ` +
        'Start again with `npm start -- --reset`, or hand it over as docs/operations.md says under "Databases and their roles".',
    );
  await client.query(`revoke all on database ${database} from public`);
  for (const login of logins)
    await client.query(`grant connect on database ${database} to ${client.escapeIdentifier(login)}`);
}

async function letBecome(client: pg.Client, login: string, owner: string): Promise<void> {
  const roles = `${client.escapeIdentifier(owner)} to ${client.escapeIdentifier(login)}`;
  await client.query(`grant ${roles} with inherit false, set true`);
}

/** A database's name, if it is not its login's, and the database to copy. */
export interface Naming {
  readonly named?: string;
  readonly template?: string | undefined;
}

/** One login for everything: it may become the owner if there is one. */
export async function createDatabase(
  client: pg.Client,
  login: string,
  password: string,
  { named = login, template }: Naming = {},
): Promise<void> {
  await ensureLogin(client, login, password);
  const owner = separatelyOwned.has(login) ? ownerOf(login) : login;
  if (owner !== login) await ensureRole(client, owner, 'nologin');
  await ensureDatabase(client, { name: named, owner, logins: [login], template });
  if (owner !== login) await letBecome(client, login, owner);
}

/** The login may no longer connect to the database. */
export async function shutOut(client: pg.Client, login: string, name: string): Promise<void> {
  await client.query(
    `revoke connect on database ${client.escapeIdentifier(name)} from ${client.escapeIdentifier(login)}`,
  );
}

/** Milliseconds within which connections closed by the client end on the server, even on a busy machine. */
const CLOSING_MS = 1_000;

/** Also ends the connections to it, except those that are about to end anyway, whose pool would report an unexpected error. */
export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  const open = 'select from pg_stat_activity where datname = $1';
  const deadline = performance.now() + CLOSING_MS;
  while ((await client.query(open, [name])).rowCount !== 0 && performance.now() < deadline) await delay(20);
  await client.query(`drop database ${client.escapeIdentifier(name)} with (force)`);
}

/** Two logins: the service's can never become the owner. */
export async function createGuardedDatabase(
  client: pg.Client,
  name: string,
  passwords: GuardedPasswords,
): Promise<void> {
  const owner = ownerOf(name);
  await ensureLogin(client, name, passwords.service);
  await ensureLogin(client, migratorOf(name), passwords.migrator);
  await ensureRole(client, owner, 'nologin');
  await ensureDatabase(client, { name, owner, logins: [name, migratorOf(name)] });
  await letBecome(client, migratorOf(name), owner);
  await client.query(`revoke ${client.escapeIdentifier(owner)} from ${client.escapeIdentifier(name)}`);
}

/** The built-in databases are only for the superuser. */
export async function closeToPublic(client: pg.Client): Promise<void> {
  await client.query('revoke connect on database postgres, template1 from public');
}
