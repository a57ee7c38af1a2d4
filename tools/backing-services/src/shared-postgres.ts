import { join } from 'node:path';
import { newPassword } from './password.js';
import { startPostgres, type Postgres } from './postgres.js';
import { testFolder } from './test-folder.js';

/** Brings an empty database to its schema. It leaves no connection open. */
export type Migrate = (url: string) => Promise<unknown>;

/** A database that nobody else uses. */
export interface OwnDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** One PostgreSQL for all specs of this process, so the cost of a server is paid once. */
export interface SharedPostgres {
  /** @param migrate runs once for each login; after that its result is copied */
  database(login: string, migrate?: Migrate): Promise<OwnDatabase>;
}

function share(postgres: Postgres): SharedPostgres {
  const taken = new Set<string>();
  const passwords = new Map<string, string>();
  const templates = new Map<string, Promise<string>>();
  const passwordOf = (login: string): string => {
    const password = passwords.get(login) ?? newPassword();
    passwords.set(login, password);
    return password;
  };
  // A failed spec leaves its database behind, and the next one must not use it.
  const nameFor = (login: string): string => {
    let name = login;
    for (let number = 2; taken.has(name); number += 1) name = `${login}_${String(number)}`;
    taken.add(name);
    return name;
  };
  /** Roles are the server's: two specs that begin at once would both make them. */
  let last: Promise<unknown> = Promise.resolve();
  const create = (login: string, named: string, template?: string): Promise<string> => {
    const created = last.then(() => postgres.createDatabase(login, passwordOf(login), { named, template }));
    last = created.catch(() => undefined);
    return created;
  };
  const migrated = async (login: string, migrate: Migrate): Promise<string> => {
    const named = nameFor(`${login}_template`);
    await migrate(await create(login, named));
    await postgres.shutOut(login, named);
    return named;
  };
  const templateOf = (login: string, migrate: Migrate): Promise<string> => {
    const template = templates.get(login) ?? migrated(login, migrate);
    templates.set(login, template);
    return template;
  };
  return {
    async database(login, migrate) {
      const named = nameFor(login);
      const url = await create(login, named, migrate && (await templateOf(login, migrate)));
      return {
        url,
        async drop() {
          await postgres.dropDatabase(named);
          taken.delete(named);
        },
      };
    },
  };
}

async function start(): Promise<SharedPostgres> {
  const directory = testFolder();
  const postgres = await startPostgres({
    directory: join(directory, 'postgres'),
    password: newPassword(),
    fast: true,
    endsWithUs: { removes: [directory] },
  });
  return share(postgres);
}

let shared: Promise<SharedPostgres> | undefined;

/** The server that the specs of this process share; the first call starts it, and it ends with the process. */
export function sharedPostgres(): Promise<SharedPostgres> {
  shared ??= start();
  return shared;
}
