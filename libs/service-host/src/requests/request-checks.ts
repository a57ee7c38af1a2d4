import { STATUS_CODES } from 'node:http';
import { type Socket } from 'node:net';
import { uuidv7 } from '@countersign/audit-event';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { parseForm } from './form-body.js';
import { parseJsonBody } from './json-body.js';
import { bodyFault, FORM_TYPE } from './media-type.js';
import { Problem, problemOf } from '../problems/problem.js';
import { RouteMethods } from './route-methods.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods under which a path is known. */
    routeMethods: RouteMethods;
  }
}

/** Maximum characters of one path parameter. */
const PARAMETER_LENGTH_LIMIT = 200;

const urlProblems: Readonly<Record<string, Problem>> = {
  FST_ERR_BAD_URL: new Problem(400, 'PATH_MALFORMED', 'The path must be percent-encoded UTF-8.'),
  FST_ERR_MAX_PARAM_LENGTH: new Problem(
    414,
    'PATH_TOO_LONG',
    `A path segment has more than ${String(PARAMETER_LENGTH_LIMIT)} characters.`,
  ),
};

const connectionProblems: Readonly<Record<string, Problem>> = {
  HPE_HEADER_OVERFLOW: new Problem(431, 'HEADERS_TOO_LARGE', 'The headers have more than 16 KiB in total.'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.'),
};
const notHttp = new Problem(400, 'REQUEST_MALFORMED', 'This is not a well-formed HTTP/1.1 request.');

function serialized(problem: Problem): string {
  return JSON.stringify({ ...problemOf(problem), request_id: uuidv7() });
}

/** The response when there is no request yet: the connection ends with it. */
function answerConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const problem = connectionProblems[error.code ?? ''] ?? notHttp;
  const body = serialized(problem);
  if (socket.writable) {
    const status = `${String(problem.status)} ${STATUS_CODES[problem.status] ?? 'Error'}`;
    const headers = [
      `HTTP/1.1 ${status}`,
      'content-type: application/problem+json',
      `content-length: ${String(Buffer.byteLength(body))}`,
      'connection: close',
    ];
    socket.write(`${headers.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroy(error);
}

/** The response when the router cannot parse the path, before any hook. */
function answerUnroutable(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const problem = urlProblems[error.code] ?? new Problem(400, 'REQUEST_MALFORMED', error.message);
  void reply.code(problem.status).type('application/problem+json').send(serialized(problem));
}

/** Fastify's settings for refusals before a route: they are problem documents (RFC 9457) like all others. */
export const requestCheckOptions = {
  frameworkErrors: answerUnroutable,
  clientErrorHandler: answerConnection,
  // Fastify's own response is not a problem document; checkRequests sends one.
  return503OnClosing: false,
  routerOptions: { maxParamLength: PARAMETER_LENGTH_LIMIT },
};

/**
 * The checks on every request before its route: bodies are parsed strictly, as JSON or as a form; others, compressed ones, and requests while
 * the service closes are refused.
 */
export function checkRequests(fastify: FastifyInstance): void {
  const routes = new RouteMethods();
  fastify.decorate('routeMethods', routes);
  fastify.addHook('onRoute', ({ method, url }) => {
    routes.add(method, url);
  });
  fastify.removeContentTypeParser('text/plain');
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    try {
      done(null, parseJsonBody(body));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
  fastify.addContentTypeParser(FORM_TYPE, { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    parseForm(body, done);
  });
  let closing = false;
  fastify.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    if (closing) {
      void reply.header('connection', 'close');
      done(new Problem(503, 'CLOSING', 'The service is stopping; try again.', { retry_after: 1 }));
      return;
    }
    done(bodyFault(request));
  });
}
