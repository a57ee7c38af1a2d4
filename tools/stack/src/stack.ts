import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  perService,
  portIsFree,
  startedTogether,
  startNats,
  startPostgres,
  type Nats,
  type Postgres,
} from '@countersign/backing-services';
import { migrateService } from '@countersign/service-host/migrate';
import { checkDemoPorts, startDemo, stopLeftDemo, type Demo } from './demo.js';
import { natsPasswordsOf, prepareGuests } from './guests.js';
import { loadIdentities, type Identities } from './identities.js';
import {
  portsFrom,
  serviceNames,
  startService,
  stopLeftServices,
  writeEnvironment,
  type RunningService,
  type StartedWhen,
  type ServiceName,
} from './services.js';
import { StackError } from './stack-error.js';
import { type StackOptions } from './stack-options.js';
import { settingsOf } from './stack-settings.js';

/** How one service is started again. */
export interface StartOptions {
  /** What is waited for; `ready` where left out. */
  readonly when?: StartedWhen;
  /** Further variables, for this start only. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Stack {
  /** The repository's root. */
  readonly root: string;
  /** Data, keys and logs: what the command `countersign` takes as `--stack`. */
  readonly directory: string;
  readonly identities: Identities;
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly postgres: Postgres;
  readonly nats: Nats;
  readonly services: ReadonlyMap<ServiceName, RunningService>;
  /** Where people sign in and what they use, where that was asked for. */
  readonly demo: Demo | undefined;
  startService(name: ServiceName, how?: StartOptions): Promise<RunningService>;
  stopService(name: ServiceName, signal?: NodeJS.Signals): Promise<void>;
  /** Another process of a service, on another port of 127.0.0.1; it is stopped with the stack at the latest. */
  startReplica(name: ServiceName, port: number): Promise<RunningService>;
  stop(): Promise<void>;
}

async function checkPorts(
  ports: Readonly<Record<ServiceName, number>>,
  without: readonly ServiceName[],
): Promise<void> {
  for (const name of serviceNames) {
    if (without.includes(name) || (await portIsFree(ports[name]))) continue;
    throw new StackError(
      `Port ${String(ports[name])} (${name}) is taken by another program. Stop that program ` +
        `(lsof -i :${String(ports[name])} shows it), or use other ports: npm start -- --port-base 5000`,
    );
  }
}

/** Brings up PostgreSQL, NATS and the services, migrates their databases; what had started is stopped again when a later step fails. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { directory, root, onStep, onLine } = options;
  await Promise.all([stopLeftServices(root, directory), stopLeftDemo(root, directory)]);
  await checkPorts(portsFrom(options.portBase), options.without);
  if (options.demo === true) await checkDemoPorts(options.portBase);
  for (const folder of ['env', 'kept']) mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 });
  const identities = await loadIdentities(directory, options.guests);
  onStep('identities and keys');
  const undo: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const [postgres, nats] = await startedTogether([
      startPostgres({
        directory: join(directory, 'postgres'),
        password: identities.superuserPassword,
        fast: options.fast ?? false,
      }).then((started) => {
        onStep(`PostgreSQL on port ${String(started.port)}`);
        return started;
      }),
      startNats({ directory: join(directory, 'nats'), passwords: natsPasswordsOf(identities) }).then((started) => {
        onStep(`NATS with JetStream on port ${String(started.port)}`);
        return started;
      }),
    ]);
    undo.push(
      () => postgres.stop(),
      () => nats.stop(),
    );
    const databaseUrls = { ...perService(() => '') };
    const migrations: Promise<readonly string[]>[] = [];
    for (const name of serviceNames) {
      const { service, migrator } = await postgres.createGuardedDatabase(name, {
        service: identities.databasePasswords[name],
        migrator: identities.migratorPasswords[name],
      });
      databaseUrls[name] = service;
      writeEnvironment(directory, `${name}.migrate`, { MIGRATION_DATABASE_URL: migrator, DATABASE_URL: service });
      const folder = join(root, 'apps', name, 'migrations');
      const migration = migrateService({ serviceUrl: service, migrationUrl: migrator, folder });
      // Awaited below, which may be after it failed.
      migration.catch(() => undefined);
      migrations.push(migration);
    }
    await Promise.all(migrations);
    onStep('databases');
    const settings = settingsOf(options, identities, databaseUrls, nats);
    await prepareGuests({ directory, portBase: options.portBase, identities, postgres, natsUrl: nats.url });
    const services = new Map<ServiceName, RunningService>();
    const replicas: RunningService[] = [];
    undo.push(async () => {
      await Promise.all([...services.values(), ...replicas].map(({ child }) => child.stop('SIGTERM', 15_000)));
    });
    const start = async (
      name: ServiceName,
      { when = 'ready', environment = {} }: StartOptions = {},
      signal?: AbortSignal,
    ): Promise<RunningService> => {
      const wanted = { ...settings[name], environment: { ...settings[name].environment, ...environment } };
      const service = await startService(wanted, root, directory, onLine, { when, signal });
      services.set(name, service);
      onStep(`${name} ${when} at ${settings[name].url} (${String(service.startupMs)} ms)`);
      return service;
    };
    for (const name of serviceNames) writeEnvironment(directory, name, settings[name].environment);
    const wanted = serviceNames.filter((name) => !options.without.includes(name));
    const urls = perService((name) => settings[name].url);
    const demoStarts = options.demo === true ? startDemo({ ...options, identities, urls }) : undefined;
    undo.push(async () => (await demoStarts?.catch(() => undefined))?.stop());
    // All at once: each waits for what it needs of the others. The first failure ends the whole start.
    const failed = new AbortController();
    const started = wanted.map((name) => start(name, {}, failed.signal));
    await Promise.all(
      started.map((one) =>
        one.catch((error: unknown) => {
          failed.abort(error);
        }),
      ),
    );
    failed.signal.throwIfAborted();
    const demo = await demoStarts;
    if (demo !== undefined) {
      onStep(`demo: people sign in at ${demo.urls.provider}, Corner Shop at ${demo.urls.shop}`);
      onStep(`console: ${urls.audit}`);
    }
    return {
      root,
      directory,
      identities,
      urls,
      postgres,
      nats,
      services,
      demo,
      startService: (name, how) => start(name, how),
      async stopService(name, signal = 'SIGTERM') {
        await services.get(name)?.child.stop(signal, 15_000);
        services.delete(name);
      },
      async startReplica(name, port) {
        const replica = `-${String(port)}`;
        const environment = { ...settings[name].environment, PORT: String(port) };
        const wanted = { name, url: `http://127.0.0.1:${String(port)}`, environment, replica };
        const service = await startService(wanted, root, directory, onLine);
        replicas.push(service);
        return service;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
