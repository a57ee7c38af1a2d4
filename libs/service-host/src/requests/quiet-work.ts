import { Socket } from 'node:net';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/**
 * Lets an answer take its time. A server ends a connection on which nothing moves for `server.timeout` milliseconds, and while a check of
 * everything runs nothing does. The time counts again once there is an answer, so that a reader who does not read it is cut off.
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
