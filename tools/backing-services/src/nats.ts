import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startChild, stopLeftBehind, type Child } from './child.js';
import { natsConfiguration, type NatsConfiguration, type NatsPasswords } from './nats-configuration.js';
import { findNatsServer } from './nats-server.js';
import { freePort } from './port.js';

export interface NatsOptions {
  /** Holds the configuration and JetStream's store, which survives a restart. */
  readonly directory: string;
  /** A free one by default. */
  readonly port?: number;
  readonly passwords: NatsPasswords;
  /** Who may do what; `natsConfiguration` by default. */
  readonly configuration?: (settings: NatsConfiguration) => string;
  /** It does not keep this process alive, and ends with it, these folders removed. */
  readonly endsWithUs?: { readonly removes: readonly string[] } | undefined;
}

/** Our own NATS server with JetStream, on the loopback address. */
export interface Nats {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
  /** Starts it again on the same port and store. */
  start(): Promise<void>;
  /** Accepts new passwords and refuses the old ones, as an operator would: the configuration is rewritten and the server reloads it. */
  usePasswords(passwords: NatsPasswords): void;
  /** Loses JetStream's store, as a broken disk would; while it is stopped. */
  wipe(): void;
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (data) => {
      socket.destroy();
      done(data.toString().startsWith('INFO'));
    });
    socket.once('error', () => {
      done(false);
    });
  });
}

/** Starts nats-server. @throws {NatsServerMissing} */
export async function startNats(options: NatsOptions): Promise<Nats> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const command = findNatsServer();
  const port = options.port ?? (await freePort());
  const configuration = join(directory, 'nats.conf');
  const pidFile = join(directory, 'nats.pid');
  await stopLeftBehind(pidFile, configuration, 'SIGTERM');
  const configure = (passwords: NatsPasswords): void => {
    const content = (options.configuration ?? natsConfiguration)({
      host: '127.0.0.1',
      port,
      storeDirectory: join(directory, 'store'),
      passwords,
    });
    writeFileSync(configuration, content, { mode: 0o600 });
  };
  configure(options.passwords);

  const start = async (): Promise<Child> => {
    const child = await startChild({
      command,
      args: ['--config', configuration],
      cwd: directory,
      pidFile,
      endsWithUs: options.endsWithUs && { signal: 'SIGKILL', ...options.endsWithUs },
    });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if (!child.running()) break;
      if (await answers(port)) return child;
      await delay(50);
    }
    await child.stop('SIGKILL', 0);
    throw new Error(`nats-server did not start:\n${child.lastLines()}`);
  };
  let child = await start();
  return {
    url: `nats://127.0.0.1:${String(port)}`,
    port,
    get pid() {
      return child.pid;
    },
    async stop() {
      await child.stop('SIGTERM', 10_000);
    },
    async start() {
      if (!child.running()) child = await start();
    },
    usePasswords(passwords) {
      configure(passwords);
      if (child.running()) process.kill(child.pid, 'SIGHUP');
    },
    wipe() {
      if (child.running()) throw new Error('stop the server before its store is wiped');
      rmSync(join(directory, 'store'), { recursive: true, force: true });
    },
  };
}
