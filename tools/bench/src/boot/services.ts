import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { freePort, serviceVariables, startBackingServices } from '@countersign/backing-services';
import { pathOf, startPinned, untilReady } from '../processes.js';
import { type Bootable } from './time-to-ready.js';

export const bootedServices = ['issuer', 'accounts', 'payments', 'audit'] as const;
export type BootedService = (typeof bootedServices)[number];

export interface BootEnvironment {
  /** How each service is started; the issuer as a second replica of the one that runs. */
  readonly services: Readonly<Record<BootedService, Bootable>>;
  stop(): Promise<void>;
}

/** What a service finds at its start: PostgreSQL, NATS, and an issuer that already runs, on the other core. */
export async function startBootEnvironment(): Promise<BootEnvironment> {
  const folder = mkdtempSync(join(tmpdir(), 'boot-'));
  const [paymentsKey, webhookKey] = await Promise.all([generateSigningKey(), generateSigningKey()]);
  const logKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const clients = [
    {
      client_id: 'payments',
      jwks: { keys: [publicJwkOf(paymentsKey)] },
      policy: { audiences: { accounts: ['transfers:create'] } },
    },
  ];
  writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients }));
  const backing = await startBackingServices();
  const issuerPort = await freePort();
  const issuerUrl = `http://127.0.0.1:${String(issuerPort)}`;
  const own: Readonly<Record<BootedService, Readonly<Record<string, string>>>> = {
    issuer: {
      CLIENTS_FILE: join(folder, 'clients.json'),
      KEY_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
    },
    accounts: {},
    payments: {
      // Payments asks accounts nothing while it starts.
      ACCOUNTS_URL: 'http://127.0.0.1:9',
      CLIENT_KEY: JSON.stringify(paymentsKey),
      WEBHOOK_KEYS: JSON.stringify({ keys: [webhookKey] }),
    },
    audit: { LOG_KEY: JSON.stringify(logKey), LOG_ORIGIN: 'countersign.bench/log' },
  };
  const bootable = async (name: BootedService): Promise<Bootable> => {
    const port = await freePort();
    return {
      program: pathOf(`../../../apps/${name}/dist/main.js`),
      readyUrl: `http://127.0.0.1:${String(port)}/health/ready`,
      environment: {
        ...serviceVariables(name, {
          issuer: issuerUrl,
          databaseUrl: await backing.database(name),
          backing,
          port,
          logLevel: 'warn',
        }),
        ...own[name],
        // As images and npm start have it.
        NODE_OPTIONS: '--enable-source-maps',
      },
    };
  };
  const services = {
    issuer: await bootable('issuer'),
    accounts: await bootable('accounts'),
    payments: await bootable('payments'),
    audit: await bootable('audit'),
  };
  const { program, environment } = services.issuer;
  const issuer = startPinned(program, 1, { ...environment, PORT: String(issuerPort) });
  const exited = once(issuer, 'exit');
  const stop = async (): Promise<void> => {
    issuer.kill('SIGTERM');
    await exited;
    await backing.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(`${issuerUrl}/health/ready`, issuer);
  } catch (error) {
    await stop();
    throw error;
  }
  return { services, stop };
}
