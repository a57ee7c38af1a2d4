import { bearerTokenOf, createVerifier, requireScopes, TokenError } from '@countersign/auth-core';
import express, { type ErrorRequestHandler } from 'express';

const verifier = await createVerifier({ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:4000', audience: 'orders' });

const refuse: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof TokenError) response.status(error.status).set(error.headers('orders')).send(error.message);
  else next(error);
};

export const app = express();
app.get('/orders/:id', async (request, response) => {
  const caller = await verifier.verifyWithRefresh(bearerTokenOf(request.headers.authorization));
  requireScopes(caller, 'orders:read');
  response.json({ readBy: caller.subject });
});
app.use(refuse);
