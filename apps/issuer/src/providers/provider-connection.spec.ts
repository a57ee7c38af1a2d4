import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { providersFileSchema } from './provider.js';
import { loadOpenIdClient, ProviderConnection } from './provider-connection.js';

describe('what is known of a provider', () => {
  let issuer = '';
  let asked = 0;
  let answers = true;
  let secret = 'secret';
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked += 1;
    authorizations.push(request.headers.authorization);
    const body = {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
    };
    response.writeHead(answers ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  let now = 0;
  const connect = () => {
    const declared = { name: 'p', title: 'P', issuer, client_id: 'c', client_secret_file: 's' };
    const [provider] = providersFileSchema.parse({ providers: [declared] }).providers;
    if (provider === undefined) throw new Error('no provider');
    const secrets = { secret: () => secret, key: () => ({ kty: 'EC', kid: 'k', alg: 'ES256', d: 'd' }) };
    return new ProviderConnection({ ...provider, ...secrets }, () => now);
  };

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address: AddressInfo | string | null = server.address();
    issuer = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
  });
  beforeEach(() => {
    [asked, answers, now] = [0, true, 0];
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is fetched once for all who wait, and again after an hour', async () => {
    const connection = connect();
    expect(asked).toBe(0);
    await Promise.all([connection.configuration(), connection.configuration()]);
    await connection.configuration();
    expect(asked).toBe(1);
    now = 3_600_001;
    await connection.configuration();
    expect(asked).toBe(2);
  });

  it('stays in use while the provider is unavailable, without a request each time', async () => {
    const connection = connect();
    const known = await connection.configuration();
    answers = false;
    now = 4_000_000;
    expect(await connection.configuration()).toBe(known);
    now += 1_000;
    expect(await connection.configuration()).toBe(known);
    expect(asked).toBe(2);
    now += 2_000;
    answers = true;
    expect(await connection.configuration()).not.toBe(known);
  });

  it('is used with the current secret in its file', async () => {
    const connection = connect();
    const { clientCredentialsGrant } = await loadOpenIdClient();
    for (const next of ['secret', 'rotated']) {
      secret = next;
      // The server knows no grants.
      await expect(clientCredentialsGrant(await connection.configuration())).rejects.toThrow();
      expect(authorizations.at(-1)).toBe(`Basic ${Buffer.from(`c:${next}`).toString('base64')}`);
    }
  });

  it('is a fault while the provider was never reached, immediately for two seconds after a failure', async () => {
    const connection = connect();
    answers = false;
    for (let time = 0; time < 3; time += 1)
      await expect(connection.configuration()).rejects.toMatchObject({ status: 503, code: 'PROVIDER_AWAY' });
    expect(asked).toBe(1);
    now = 2_001;
    answers = true;
    await expect(connection.configuration()).resolves.toBeDefined();
  });
});
