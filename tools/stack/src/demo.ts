import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { portIsFree, startChild, stopLeftBehind, type Child } from '@countersign/backing-services';
import { providerClientsFile } from './client-policies.js';
import { writeSecret, type Identities } from './identities.js';
import { waitUntilReady, writeEnvironment, type ServiceName } from './services.js';
import { StackError } from './stack-error.js';

/** What runs beside the services on a developer's machine, and nowhere else. */
const demoNames = ['provider', 'shop'] as const;
export type DemoName = (typeof demoNames)[number];

const programs: Readonly<Record<DemoName, string>> = {
  provider: 'tools/people-provider/dist/main.js',
  shop: 'examples/web-app/dist/main.js',
};

/** The development OpenID provider's port and the demo application's: ten and eleven above the issuer's. */
export function demoUrls(portBase: number): Readonly<Record<DemoName, string>> {
  const url = (offset: number): string => `http://127.0.0.1:${String(portBase + offset)}`;
  return { provider: url(10), shop: url(11) };
}

export interface DemoOptions {
  readonly root: string;
  readonly directory: string;
  readonly portBase: number;
  readonly identities: Identities;
  readonly urls: Readonly<Record<ServiceName, string>>;
}

/** Both, running. */
export interface Demo {
  readonly urls: Readonly<Record<DemoName, string>>;
  readonly children: Readonly<Record<DemoName, Child>>;
  stop(): Promise<void>;
}

/** @throws {StackError} when another program has one of the ports */
export async function checkDemoPorts(portBase: number): Promise<void> {
  for (const [name, url] of Object.entries(demoUrls(portBase))) {
    const { port } = new URL(url);
    if (await portIsFree(Number(port))) continue;
    throw new StackError(
      `Port ${port} (${name}) is taken by another program. Stop that program (lsof -i :${port} shows it), ` +
        'or leave the demo out: npm start -- --no-demo',
    );
  }
}

function environmentOf(options: DemoOptions): Readonly<Record<DemoName, Readonly<Record<string, string>>>> {
  const { directory, portBase, identities, urls } = options;
  const file = (name: string): string => join(directory, 'env', name);
  const demo = demoUrls(portBase);
  writeSecret(file('people-provider-clients.json'), JSON.stringify(providerClientsFile(identities, urls.issuer)));
  return {
    provider: {
      NODE_ENV: 'development',
      PORT: new URL(demo.provider).port,
      PROVIDER_CLIENTS_FILE: file('people-provider-clients.json'),
    },
    shop: {
      PORT: new URL(demo.shop).port,
      APP_URL: demo.shop,
      ISSUER_URL: urls.issuer,
      PAYMENTS_URL: urls.payments,
      ACCOUNTS_URL: urls.accounts,
      CLIENT_KEY_FILE: file('corner-shop-key.json'),
    },
  };
}

const pidFileOf = (directory: string, name: DemoName): string => join(directory, 'run', `${name}.pid`);

/** As the services', so the demo's: what a killed stack left running in this folder ends. */
export async function stopLeftDemo(root: string, directory: string): Promise<void> {
  await Promise.all(
    demoNames.map((name) => stopLeftBehind(pidFileOf(directory, name), join(root, programs[name]), 'SIGTERM')),
  );
}

/** Starts the development OpenID provider and the demo application, at once. @throws {StackError} with the last lines of one that does not start */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { root, directory, portBase } = options;
  const urls = demoUrls(portBase);
  const environment = environmentOf(options);
  const start = async (name: DemoName): Promise<Child> => {
    const program = join(root, programs[name]);
    if (!existsSync(program)) throw new StackError(`${name} is not built. Run: npx nx run-many -t build`);
    writeEnvironment(directory, name, environment[name]);
    const pidFile = pidFileOf(directory, name);
    const env = { PATH: process.env['PATH'], ...environment[name] };
    const child = await startChild({ command: process.execPath, args: [program], env, pidFile });
    await waitUntilReady(name, urls[name], child).catch(async (error: unknown) => {
      await child.stop('SIGKILL', 0);
      throw error;
    });
    return child;
  };
  const [provider, shop] = await Promise.allSettled(demoNames.map(start));
  if (provider?.status !== 'fulfilled' || shop?.status !== 'fulfilled') {
    const started = [provider, shop].flatMap((one) => (one?.status === 'fulfilled' ? [one.value] : []));
    await Promise.all(started.map((child) => child.stop('SIGTERM', 5_000)));
    throw provider?.status === 'rejected' ? provider.reason : shop?.status === 'rejected' ? shop.reason : undefined;
  }
  const children = { provider: provider.value, shop: shop.value };
  return {
    urls,
    children,
    async stop() {
      await Promise.all(Object.values(children).map((child) => child.stop('SIGTERM', 5_000)));
    },
  };
}
