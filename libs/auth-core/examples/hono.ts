import { bearerTokenOf, createVerifier, requireScopes, TokenError } from '@countersign/auth-core';
import { Hono } from 'hono';

const verifier = await createVerifier({ issuer: process.env['ISSUER'] ?? 'http://127.0.0.1:4000', audience: 'orders' });

export const app = new Hono();
app.onError((error, context) => {
  if (!(error instanceof TokenError)) return context.text('', 500);
  return context.text(error.message, error.status, error.headers('orders'));
});
app.get('/orders/:id', async (context) => {
  const caller = await verifier.verifyWithRefresh(bearerTokenOf(context.req.header('authorization')));
  requireScopes(caller, 'orders:read');
  return context.json({ readBy: caller.subject });
});
