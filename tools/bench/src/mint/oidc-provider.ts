// A child process of the mint benchmark: oidc-provider, its records in memory or in PostgreSQL, issuing JWT access tokens for client credentials, codes
// and refresh tokens.
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { z } from 'zod';
import { newCodes, PEOPLE, PUBLIC_APPLICATION, REDIRECT, type OwnCode } from './codes.js';
import { inMemory, inPostgres } from './peer-records.js';

const jwk = z.looseObject({ kty: z.string() });
const { port, client, signing, databaseUrl } = z
  .object({ port: z.number(), client: jwk, signing: jwk, databaseUrl: z.string().optional() })
  .parse(JSON.parse(process.env['MINT_PEER'] ?? '{}'));

const records = databaseUrl === undefined ? inMemory() : await inPostgres(databaseUrl);

const provider = new Provider(`http://127.0.0.1:${String(port)}`, {
  adapter: records.adapter,
  clients: [
    {
      client_id: 'bench',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
      redirect_uris: [REDIRECT],
      response_types: ['code'],
      jwks: { keys: [client] },
    },
    {
      client_id: PUBLIC_APPLICATION,
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [REDIRECT],
      response_types: ['code'],
    },
  ],
  jwks: { keys: [signing] },
  scopes: ['openid', 'offline_access', 'payments:create'],
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  issueRefreshToken: () => true,
  rotateRefreshToken: () => true,
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'payments:create',
        audience: 'payments',
        accessTokenTTL: 300,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
/** Codes as if people had just consented. */
async function issueCodes(count: number, clientId: string): Promise<readonly OwnCode[]> {
  await records.forget();
  const allowed = await provider.Client.find(clientId);
  if (allowed === undefined) throw new Error('the client is declared above');
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, async (_, n) => {
      const grant = new provider.Grant({ accountId: `person:${String(n)}`, clientId });
      grant.addOIDCScope('offline_access');
      grant.addResourceScope('urn:payments', 'payments:create');
      return { accountId: `person:${String(n)}`, grantId: await grant.save() };
    }),
  );
  const codes = newCodes(count);
  return Promise.all(
    codes.map(async ({ challenge, verifier }, at) => {
      const person = people[at % people.length];
      if (person === undefined) throw new Error('there are people');
      const code = new provider.AuthorizationCode({
        client: allowed,
        ...{ ...person, redirectUri: REDIRECT, authTime: Math.floor(Date.now() / 1_000) },
        ...{ codeChallenge: challenge, codeChallengeMethod: 'S256', gty: 'authorization_code' },
        ...{ scope: 'offline_access payments:create', resource: 'urn:payments' },
      });
      return { code: await code.save(), verifier, challenge };
    }),
  );
}

process.on('message', (message) => {
  const { codes, clientId } = z.object({ codes: z.number(), clientId: z.string() }).parse(message);
  issueCodes(codes, clientId).then(
    (issued) => process.send?.({ issued }),
    (error: unknown) => process.send?.({ failed: String(error) }),
  );
});

const answer = provider.callback();
const server = createServer((request, response) => void answer(request, response));
server.listen(port, '127.0.0.1');
await once(server, 'listening');
process.send?.('ready');
