import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { connectToNats } from '@countersign/audit-client';
import {
  findNatsServer,
  freePort,
  newNatsPasswords,
  newPassword,
  startChild,
  startDatabases,
  startNats,
  type Child,
  type Nats,
  type NatsPasswords,
} from '@countersign/backing-services';
import pg from 'pg';
import { databaseVariables, hostVariables, natsVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { clientConfigOf, databaseOf, natsOf } from './connection-settings.js';

const silent = { info: () => undefined, warn: () => undefined };
const variables = { ...hostVariables, ...databaseVariables, ...natsVariables };

/** An authority and a certificate of it for 127.0.0.1; nothing where this machine has no openssl. */
function makeCertificates(folder: string): boolean {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const openssl = (...args: readonly string[]): boolean =>
    spawnSync('openssl', args, { cwd: folder, stdio: 'ignore' }).status === 0;
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  return (
    openssl('req', '-x509', ...key, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem') &&
    openssl('req', ...key, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr') &&
    openssl(
      ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
      ...['-extfile', 'names', '-out', 'server.pem'],
    )
  );
}

describe('connections to PostgreSQL and NATS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-connections-'));
  const file = (name: string): string => join(folder, name);
  const withTls = makeCertificates(folder) ? it : it.skip;
  const databases = startDatabases();
  let url: string;
  let natsPort: number;
  let passwords: NatsPasswords;
  let nats: Nats;
  let secured: Server | undefined;
  let securedNats: Child | undefined;

  /** PostgreSQL behind TLS: answers the request for it, then passes on what comes. */
  async function behindTls(): Promise<number> {
    const credentials = { key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')) };
    secured = createServer((socket) => {
      socket.once('data', () => {
        socket.write('S');
        const inner = new TLSSocket(socket, { isServer: true, ...credentials });
        const outer = connect(Number(new URL(url).port), '127.0.0.1');
        inner.pipe(outer).pipe(inner);
        for (const end of [socket, inner, outer]) end.on('error', () => socket.destroy());
      });
    });
    await new Promise<void>((done) => secured?.listen(0, '127.0.0.1', done));
    return (secured.address() as AddressInfo).port;
  }

  beforeAll(async () => {
    passwords = newNatsPasswords();
    natsPort = await freePort();
    [url, nats] = await Promise.all([
      databases.database('connecting'),
      startNats({ directory: file('nats'), port: natsPort, passwords }),
    ]);
  }, 120_000);
  afterAll(async () => {
    secured?.close();
    await securedNats?.stop('SIGTERM', 5_000);
    await Promise.all([databases.stop(), nats.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const settings = (more: NodeJS.ProcessEnv) =>
    loadConfiguration(variables, { PORT: '0', DATABASE_URL: url, NATS_URL: nats.url, NATS_USER: 'payments', ...more });
  async function ask(config: pg.ClientConfig, statement = 'select 1 as one'): Promise<unknown> {
    const client = new pg.Client(config);
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  }
  /** One try; the reason when it fails. */
  async function natsAnswer(more: NodeJS.ProcessEnv): Promise<string> {
    const stop = new AbortController();
    let reason = '';
    const connection = await connectToNats(
      'spec',
      natsOf(settings(more)),
      {
        info: () => undefined,
        warn: (fields) => {
          reason = 'reason' in fields ? String(fields.reason) : '';
          stop.abort();
        },
      },
      stop.signal,
    );
    await connection?.close();
    return connection === undefined ? reason : 'connected';
  }

  it('are refused without TLS where TLS is demanded', async () => {
    expect(await ask(clientConfigOf(databaseOf(settings({}))))).toEqual([{ one: 1 }]);
    await expect(ask(clientConfigOf(databaseOf(settings({ DATABASE_TLS: 'require' }))))).rejects.toThrow(
      /does not support SSL/,
    );
    expect(await natsAnswer({ NATS_PASSWORD: passwords.payments })).toBe('connected');
    expect(await natsAnswer({ NATS_PASSWORD: passwords.payments, NATS_TLS: 'require' })).toMatch(/does not support/);
  }, 30_000);

  withTls('to PostgreSQL trust the authority that is named, and no other', async () => {
    const port = await behindTls();
    const secure = new URL(url);
    secure.port = String(port);
    const demand = { DATABASE_URL: secure.href, DATABASE_TLS: 'require' };
    const trusting = settings({ ...demand, DATABASE_CA_FILE: file('ca.pem') });
    expect(await ask(clientConfigOf(databaseOf(trusting)))).toEqual([{ one: 1 }]);
    await expect(ask(clientConfigOf(databaseOf(settings(demand))))).rejects.toThrow(/certificate/);
  });

  withTls(
    'to NATS trust the authority that is named, and no other',
    async () => {
      const port = await freePort();
      writeFileSync(
        file('tls.conf'),
        `host: 127.0.0.1, port: ${String(port)}\ntls { cert_file: "${file('server.pem')}", key_file: "${file('server.key')}" }\n` +
          'authorization { user: payments, password: secret }\n',
      );
      securedNats = await startChild({ command: findNatsServer(), args: ['--config', file('tls.conf')] });
      const demand = { NATS_URL: `nats://127.0.0.1:${String(port)}`, NATS_TLS: 'require', NATS_PASSWORD: 'secret' };
      let answer = '';
      // A server that is not listening yet refuses immediately.
      for (const deadline = performance.now() + 40_000; performance.now() < deadline && answer !== 'connected';) {
        answer = await natsAnswer({ ...demand, NATS_CA_FILE: file('ca.pem') });
        if (answer !== 'connected') await delay(50);
      }
      expect(answer).toBe('connected');
      expect(await natsAnswer(demand)).toMatch(/certificate/);
    },
    60_000,
  );

  it('take a password that was rotated in its file without a restart', async () => {
    writeFileSync(file('url'), url);
    writeFileSync(file('nats-password'), passwords.payments);
    process.env['DATABASE_URL_FILE'] = file('url');
    process.env['NATS_PASSWORD_FILE'] = file('nats-password');
    try {
      const configuration = loadConfiguration(variables, {
        PORT: '0',
        DATABASE_URL_FILE: file('url'),
        NATS_URL: nats.url,
        NATS_USER: 'payments',
        NATS_PASSWORD_FILE: file('nats-password'),
      });
      const database = clientConfigOf(databaseOf(configuration));
      expect(await ask(database)).toEqual([{ one: 1 }]);
      const rotatedUrl = new URL(url);
      rotatedUrl.password = newPassword();
      await ask(database, `alter role connecting password '${rotatedUrl.password}'`);
      await expect(ask({ connectionString: url })).rejects.toThrow(/password authentication failed/);
      writeFileSync(file('url'), rotatedUrl.href);
      expect(await ask(database)).toEqual([{ one: 1 }]);

      const stop = new AbortController();
      const connection = await connectToNats('rotated', natsOf(configuration), silent, stop.signal);
      const rotated = { ...passwords, payments: newPassword() };
      writeFileSync(file('nats-password'), rotated.payments);
      await nats.stop();
      nats = await startNats({ directory: file('nats'), port: natsPort, passwords: rotated });
      for (const deadline = performance.now() + 40_000; performance.now() < deadline; await delay(50))
        if ((await connection?.rtt().catch(() => undefined)) !== undefined) break;
      expect(await connection?.rtt()).toEqual(expect.any(Number));
      await connection?.close();
    } finally {
      delete process.env['DATABASE_URL_FILE'];
      delete process.env['NATS_PASSWORD_FILE'];
    }
  }, 60_000);
});
