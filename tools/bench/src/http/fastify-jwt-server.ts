import { createPublicKey } from 'node:crypto';
import fastifyJwt from '@fastify/jwt';
import { publicJwkOf } from '@countersign/auth-core';
import { fastify } from 'fastify';
import { announce, AUDIENCE, ISSUER, keyFromEnvironment, SCOPE } from './settings.js';

const pem = createPublicKey({ key: publicJwkOf(keyFromEnvironment()), format: 'jwk' }).export({
  type: 'spki',
  format: 'pem',
});
const app = fastify();
await app.register(fastifyJwt, {
  secret: { public: String(pem) },
  verify: { algorithms: ['ES256'], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: true },
});

app.get('/protected', {
  onRequest: async (request, reply) => {
    const { scope } = await request.jwtVerify<{ readonly scope: string }>();
    if (!scope.split(' ').includes(SCOPE)) await reply.status(403).send({ error: 'insufficient_scope' });
  },
  handler: () => ({ id: 7 }),
});
announce(await app.listen({ port: 0, host: '127.0.0.1' }));
