import { Socket } from 'node:net';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/**
 * Allows a response to take long. A server ends a connection on which nothing moves for `server.timeout` milliseconds, and while a check of
 * everything runs nothing does. The timeout applies again once the response starts, so that a client that does not read it is cut off.
 */
export function letQuietWorkEnd(fastify: FastifyInstance): void {
  const allow = ({ raw: { socket } }: FastifyRequest, ms: number): void => {
    // One that was injected has none.
    if (socket instanceof Socket) socket.setTimeout(ms);
  };
  fastify.addHook('onRequest', (request, _reply, done) => {
    allow(request, 0);
    done();
  });
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    allow(request, fastify.server.timeout);
    done(null, payload);
  });
}
