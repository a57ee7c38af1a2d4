// A child process of the mint benchmark: oidc-provider in memory, issuing JWT access tokens for client credentials.
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { z } from 'zod';

const jwk = z.looseObject({ kty: z.string() });
const { port, client, signing } = z
  .object({ port: z.number(), client: jwk, signing: jwk })
  .parse(JSON.parse(process.env['MINT_PEER'] ?? '{}'));

const provider = new Provider(`http://127.0.0.1:${String(port)}`, {
  clients: [
    {
      client_id: 'bench',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      jwks: { keys: [client] },
    },
  ],
  jwks: { keys: [signing] },
  scopes: ['payments:create'],
  enabledJWA: { clientAuthSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
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
const answer = provider.callback();
const server = createServer((request, response) => void answer(request, response));
server.listen(port, '127.0.0.1');
await once(server, 'listening');
process.send?.('ready');
