import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  natsServices,
  perService,
  startChild,
  stopLeftBehind,
  type Child,
  type NatsService,
} from '@countersign/backing-services';
import { writeSecret } from './identities.js';
import { StackError } from './stack-error.js';

export const serviceNames = natsServices;
export type ServiceName = NatsService;

/** Each service's port: the base for the first, and on from there. */
export function portsFrom(base: number): Readonly<Record<ServiceName, number>> {
  return perService((name) => base + serviceNames.indexOf(name));
}

export interface ServiceSettings {
  readonly name: ServiceName;
  readonly url: string;
  /** The variables of its configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** Distinguishes another process of the same service from the first. */
  readonly replica?: string;
}

export interface RunningService {
  readonly name: ServiceName;
  readonly child: Child;
  /** Milliseconds from spawn to ready. */
  readonly startupMs: number;
}

/** The file, in `env`, that holds a service's DATABASE_URL. */
export const databaseUrlFile = (name: ServiceName): string => `${name}-database-url`;
/** The file, in `env`, that holds a service's password of NATS. */
export const natsPasswordFile = (name: ServiceName): string => `${name}-nats-password`;

/** A value as Node's `--env-file` reads it back: without quotes, a `#` of a folder's name would begin a comment. */
function quoted(value: string): string {
  if (!/[#'"`]|^\s|\s$/.test(value)) return value;
  const quote = ["'", '"', '`'].find((one) => !value.includes(one)) ?? '';
  return quote + value + quote;
}

/** Keeps variables where `nx serve` finds them. */
export function writeEnvironment(directory: string, name: string, environment: Readonly<Record<string, string>>): void {
  mkdirSync(join(directory, 'env'), { recursive: true, mode: 0o700 });
  const lines = Object.entries(environment).map(([key, value]) => `${key}=${quoted(value)}`);
  writeSecret(join(directory, 'env', `${name}.env`), `${lines.join('\n')}\n`);
}

/** Until when a start waits: that the service takes requests, or only that it runs, because what holds it up is to be seen. */
export type StartedWhen = 'ready' | 'live';

async function isReady(url: string, when: StartedWhen): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/${when}`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * Waits for `/health/ready`, or `/health/live`.
 * @param signal ends the wait
 * @throws {StackError} with the service's last lines when it dies or takes too long
 */
export async function waitUntilReady(
  name: string,
  url: string,
  child?: Child,
  limitMs = 60_000,
  when: StartedWhen = 'ready',
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isReady(url, when))) {
    signal?.throwIfAborted();
    if (child?.running() === false)
      throw new StackError(`${name} ended at startup. Its last lines:\n${child.lastLines()}`);
    if (Date.now() > deadline) {
      throw new StackError(
        `${name} was not ${when} within ${String(limitMs / 1_000)} s. Its last lines:\n${child?.lastLines() ?? ''}`,
      );
    }
    await delay(25);
  }
}

const programOf = (root: string, name: ServiceName): string => join(root, 'apps', name, 'dist', 'main.js');
const pidFileOf = (directory: string, name: string): string => join(directory, 'run', `${name}.pid`);

/** Ends the services that a killed stack left running in this folder: they hold its ports. */
export async function stopLeftServices(root: string, directory: string): Promise<void> {
  await Promise.all(
    serviceNames.map((name) => stopLeftBehind(pidFileOf(directory, name), programOf(root, name), 'SIGTERM')),
  );
}

/** Starts one service as a separate process and waits until it is ready; one that fails, or whose start is aborted, does not run afterwards. */
export async function startService(
  settings: ServiceSettings,
  root: string,
  directory: string,
  onLine: (name: ServiceName, line: string) => void,
  { when = 'ready', signal }: { readonly when?: StartedWhen; readonly signal?: AbortSignal | undefined } = {},
): Promise<RunningService> {
  const { name, url, environment, replica = '' } = settings;
  const program = programOf(root, name);
  if (!existsSync(program)) throw new StackError(`${name} is not built. Run: npx nx run-many -t build`);
  mkdirSync(join(directory, 'run'), { recursive: true, mode: 0o700 });
  const pidFile = pidFileOf(directory, name + replica);
  await stopLeftBehind(pidFile, program, 'SIGTERM');
  const startedAt = performance.now();
  const child = await startChild({
    command: process.execPath,
    args: ['--enable-source-maps', program],
    cwd: join(root, 'apps', name),
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: process.env['NODE_ENV'],
      // What one start compiled, later ones read: a sixth of a service's start.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'),
      ...environment,
    },
    pidFile,
    onLine: (line) => {
      onLine(name, line);
    },
  });
  await waitUntilReady(name, url, child, 60_000, when, signal).catch(async (error: unknown) => {
    await child.stop('SIGKILL', 0);
    throw error;
  });
  return { name, child, startupMs: Math.round(performance.now() - startedAt) };
}
