// A child process of the mint benchmark: the least that an issuer on node:http can do. It verifies an assertion and signs a token, in turns as
// the issuer does, and nothing else: it knows no clients, uses no assertion up, records nothing. What it reaches bounds any ratio.
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { requestTurns } from '@countersign/auth';
import { jwtSigner } from '@countersign/auth-core';
import { TokenReader } from '@countersign/auth-core/jws';
import { z } from 'zod';

const jwk = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string() });
const { port, client, signing } = z
  .object({ port: z.number(), client: jwk, signing: jwk.extend({ d: z.string() }) })
  .parse(JSON.parse(process.env['MINT_BARE'] ?? '{}'));

const clientKey = createPublicKey({ key: client, format: 'jwk' });
const sign = jwtSigner({ typ: 'at+jwt', kid: signing.kid }, signing);
const reader = new TokenReader();
const turns = requestTurns();

async function answer(body: string, response: ServerResponse): Promise<void> {
  const form = new URLSearchParams(body);
  reader.read(form.get('client_assertion') ?? '');
  const { iss, jti } = reader.claims();
  if (!reader.verifies('ES256', clientKey)) throw new Error('the assertion does not verify');
  await Promise.resolve();
  const iat = Math.floor(Date.now() / 1_000);
  const scope = form.get('scope');
  const claims = { iss: 'bare', sub: iss, aud: form.get('audience'), exp: iat + 300, iat, jti, client_id: iss, scope };
  const token = { access_token: sign(claims), token_type: 'Bearer', expires_in: 300, scope };
  const text = JSON.stringify(token);
  const headers = { 'content-type': 'application/json', 'content-length': text.length, 'cache-control': 'no-store' };
  response.writeHead(200, headers).end(text);
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    turns(request, response, () => void answer(body, response));
  });
});
server.listen(port, '127.0.0.1');
await once(server, 'listening');
process.send?.('ready');
