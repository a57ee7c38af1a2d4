import { type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { freePort, type OwnBackingServices } from '@countersign/backing-services';
import { pathOf, startPinned, untilReady } from '../processes.js';
import { APPLICATION, PUBLIC_APPLICATION, REDIRECT } from './codes.js';

/** A server of the benchmark. */
export interface MintServer {
  readonly child: ChildProcess;
  readonly port: number;
}

/** All that serve, and the one that asks them. */
export interface MintServers {
  readonly issuer: MintServer & { readonly url: string; readonly databaseUrl: string };
  /** oidc-provider, its records in memory, and in the PostgreSQL that has the issuer's. */
  readonly peer: MintServer;
  readonly durablePeer: MintServer;
  readonly bare: MintServer;
  readonly load: ChildProcess;
  stop(): Promise<void>;
}

/** What the issuer's clients file declares. @param client the key of the clients that have one */
function declarations(client: PrivateJwk): object {
  const jwks = { keys: [publicJwkOf(client)] };
  const application = {
    ...{ client_name: 'App', publisher: 'App Ltd', redirect_uris: [REDIRECT] },
    grant_types: ['authorization_code', 'refresh_token'],
    policy: { people: { issuer: ['offline_access'], payments: ['payments:create'] } },
  };
  return {
    audiences: { payments: { title: 'Payments', scopes: { 'payments:create': { title: 'Pay' } } } },
    clients: [
      { client_id: 'bench', jwks, policy: { audiences: { payments: ['payments:create'] } } },
      { ...application, client_id: APPLICATION, jwks },
      { ...application, client_id: PUBLIC_APPLICATION, token_endpoint_auth_method: 'none' },
    ],
  };
}

/**
 * Starts all servers on one core, and the load on the other; resolves once they are ready.
 * @param folder for the clients file
 */
export async function startMintServers(
  backing: OwnBackingServices,
  folder: string,
  { client, signing }: { readonly client: PrivateJwk; readonly signing: PrivateJwk },
): Promise<MintServers> {
  const clientsFile = join(folder, 'clients.json');
  writeFileSync(clientsFile, JSON.stringify(declarations(client)));
  const [issuerPort, peerPort, durablePort] = [await freePort(), await freePort(), await freePort()];
  const barePort = await freePort();
  const [databaseUrl, peerDatabaseUrl] = [await backing.database('issuer'), await backing.database('peer')];
  const url = `http://127.0.0.1:${String(issuerPort)}`;
  const issuer = startPinned(pathOf('../../../apps/issuer/dist/main.js'), 0, {
    PORT: String(issuerPort),
    ISSUER_URL: url,
    LOG_LEVEL: 'warn',
    DATABASE_URL: databaseUrl,
    NATS_URL: backing.nats.url,
    NATS_USER: 'issuer',
    NATS_PASSWORD: backing.passwords.issuer,
    CLIENTS_FILE: clientsFile,
    KEY_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
    RATE_LIMIT_CLIENT_PER_MINUTE: '0',
    RATE_LIMIT_ADDRESS_PER_MINUTE: '0',
  });
  const keys = { client: publicJwkOf(client), signing };
  const startPeer = (settings: object): ChildProcess =>
    startPinned(pathOf('mint/oidc-provider.js'), 0, { MINT_PEER: JSON.stringify({ ...settings, ...keys }) });
  const peer = startPeer({ port: peerPort });
  const durablePeer = startPeer({ port: durablePort, databaseUrl: peerDatabaseUrl });
  const bare = startPinned(pathOf('mint/bare-http.js'), 0, { MINT_BARE: JSON.stringify({ port: barePort, ...keys }) });
  const load = startPinned(pathOf('mint/load.js'), 1, {});
  const all = [issuer, peer, durablePeer, bare, load];
  const stop = async (): Promise<void> => {
    for (const child of all) child.kill('SIGTERM');
    await Promise.all(all.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
  };
  try {
    const begun = [peer, durablePeer, bare].map((child) => once(child, 'message'));
    await Promise.all([untilReady(`${url}/health/ready`, issuer), ...begun]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    issuer: { child: issuer, port: issuerPort, url, databaseUrl },
    peer: { child: peer, port: peerPort },
    durablePeer: { child: durablePeer, port: durablePort },
    bare: { child: bare, port: barePort },
    ...{ load, stop },
  };
}
