import { createServer } from 'node:http';
import { bearerTokenOf, createVerifier, requireScopes, TokenError, type Principal } from '@countersign/auth-core';

const verifier = await createVerifier({ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:4000', audience: 'orders' });

async function callerOf(authorization: string | undefined): Promise<Principal> {
  const caller = await verifier.verifyWithRefresh(bearerTokenOf(authorization));
  requireScopes(caller, 'orders:read');
  return caller;
}

export const server = createServer((request, response) => {
  callerOf(request.headers.authorization).then(
    ({ subject }) => response.end(JSON.stringify({ readBy: subject })),
    (error: unknown) => {
      if (error instanceof TokenError) response.writeHead(error.status, error.headers('orders')).end(error.message);
      else response.writeHead(500).end();
    },
  );
});
