import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTokenClient, generateSigningKey, publicJwkOf, type TokenClient } from '@countersign/auth-core';
import { freePort, startBackingServices, startChild } from '@countersign/backing-services';
import { startPeopleProvider } from '@countersign/people-provider';
import { walk } from './browser.js';

const READY_MS = 120_000;

/** Our issuer as it is deployed: a separate process on real PostgreSQL and NATS. */
export interface RunningIssuer {
  readonly url: string;
  /** Its client `shop`, which may ask for `payments`, and act for people of the trusted issuers. */
  readonly shop: TokenClient;
  /** A public client, to which people sign in by the loopback address. */
  readonly inspector: string;
  /** Opens an address as a person's browser does, to the end that is meant. */
  browse(start: string, isEnd: (address: URL) => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** A third-party issuer whose people ours accepts. */
export interface Trusted {
  readonly name: string;
  readonly issuer: string;
  readonly profile: string;
  /** What its tokens are for. */
  readonly audience: string;
}

async function ready(url: string, said: () => string): Promise<void> {
  const end = performance.now() + READY_MS;
  while (performance.now() < end) {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer?.ok === true) return;
    await delay(200);
  }
  throw new Error(`the issuer was not ready: ${said()}`);
}

const application = {
  token_endpoint_auth_method: 'none',
  publisher: 'Example Ltd',
  grant_types: ['authorization_code'],
};
const inspector = {
  ...application,
  ...{ client_id: 'inspector', client_name: 'Inspector', application_type: 'native' },
  redirect_uris: ['http://127.0.0.1/callback'],
  policy: { people: { issuer: ['openid'] } },
};
/** Whether clients that describe themselves are accepted, as the metadata then says. */
const described = {
  ...application,
  ...{ client_id: 'described', client_name: 'Described' },
  metadata_documents: { origins: ['https://apps.example'] },
  policy: { people: { payments: ['payments:create'] } },
};
const audiences = { payments: { title: 'Payments', scopes: { 'payments:create': { title: 'Pay' } } } };

export async function startIssuer(trusted: readonly Trusted[]): Promise<RunningIssuer> {
  const folder = mkdtempSync(join(tmpdir(), 'interop-'));
  const file = (name: string, content: object): string => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  const [backing, key] = await Promise.all([startBackingServices(), generateSigningKey()]);
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const edge = { audience: 'payments', scopes: ['payments:create'] };
  const outside = trusted.map(({ name, audience }) => ({ ...edge, subject_issuer: name, subject_audience: audience }));
  const policy = { audiences: { payments: ['payments:create'], other: ['a'] }, outside_exchange: outside };
  const clients = [{ client_id: 'shop', jwks: { keys: [publicJwkOf(key)] }, policy }, inspector, described];
  const secret = randomBytes(32).toString('base64url');
  const provider = await startPeopleProvider({
    host: '127.0.0.1',
    port: await freePort(),
    clients: [
      {
        ...{ client_id: 'countersign', client_name: 'Countersign', client_secret: secret },
        redirect_uris: [`${url}/sign-in/callback/people`],
        post_logout_redirect_uris: [],
      },
    ],
  });
  writeFileSync(join(folder, 'secret'), secret);
  const people = { name: 'people', title: 'People', issuer: provider.url, client_id: 'countersign' };
  const providers = [{ ...people, client_secret_file: 'secret' }];
  const accepts = ['access_token', 'id_token'];
  const issuers = trusted.map((one) => ({ ...one, audience: undefined, accepts, roles: { operator: 'clerk' } }));
  const child = await startChild({
    command: process.execPath,
    args: [fileURLToPath(new URL('../../../apps/issuer/dist/main.js', import.meta.url))],
    env: {
      ...process.env,
      PORT: String(port),
      LOG_LEVEL: 'warn',
      ISSUER_URL: url,
      DATABASE_URL: await backing.database('issuer'),
      NATS_URL: backing.nats.url,
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: file('clients.json', { clients, audiences }),
      PROVIDERS_FILE: file('providers.json', { providers }),
      TRUSTED_ISSUERS_FILE: file('issuers.json', { issuers }),
      KEY_ENCRYPTION_KEYS: `interop:${randomBytes(32).toString('base64url')}`,
    },
  });
  const stop = async (): Promise<void> => {
    await child.stop('SIGTERM', 10_000);
    await provider.close();
    await backing.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child.lastLines);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    shop: createTokenClient({ issuer: url, clientId: 'shop', key }),
    inspector: inspector.client_id,
    browse: (start, isEnd) => walk(url, start, 'carol', isEnd),
    stop,
  };
}
