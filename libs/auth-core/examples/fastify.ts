import { bearerTokenOf, createVerifier, requireScopes, TokenError } from '@countersign/auth-core';
import fastify from 'fastify';

const verifier = await createVerifier({ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:4000', audience: 'orders' });

export const app = fastify();
app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof TokenError)) return reply.code(500).send();
  return reply.code(error.status).headers(error.headers('orders')).send(error.message);
});
app.get('/orders/:id', async (request) => {
  const caller = await verifier.verifyWithRefresh(bearerTokenOf(request.headers.authorization));
  requireScopes(caller, 'orders:read');
  return { readBy: caller.subject };
});
