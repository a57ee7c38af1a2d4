import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, Problem, problemOf } from '@countersign/service-host';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type ConsoleOptions } from './console-options.js';

const YEAR = 31_536_000;
const mediaTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  wasm: 'application/wasm',
};
const encodings = [
  ['br', 'br'],
  ['gzip', 'gz'],
] as const;

/** Only this origin, and no inline scripts or styles. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** The form of a page's path: without a dot, so that a missing file is a 404. */
const pagePath = /^\/(?:[\w~%@:!$&'()*+,;=-]+(?:\/[\w~%@:!$&'()*+,;=-]+)*)?$/;

/** The built files, read once each. */
class Files {
  readonly #known: ReadonlySet<string>;
  readonly #read = new Map<string, Buffer>();

  /** @throws {ConfigurationError} when there are none */
  constructor(private readonly directory: string) {
    try {
      this.#known = new Set([
        ...readdirSync(directory),
        ...readdirSync(join(directory, 'assets')).map((name) => `assets/${name}`),
      ]);
      this.read('index.html');
    } catch {
      throw new ConfigurationError([`CONSOLE_DIRECTORY: ${directory} has no built console; run: npx nx build console`]);
    }
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  read(name: string): Buffer {
    const content = this.#read.get(name) ?? readFileSync(join(this.directory, name));
    this.#read.set(name, content);
    return content;
  }
}

function send(files: Files, name: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const accepted = String(request.headers['accept-encoding'] ?? '').split(/\s*,\s*/);
  const encoding = encodings.find(([token, ending]) => accepted.includes(token) && files.has(`${name}.${ending}`));
  const content = files.read(encoding === undefined ? name : `${name}.${encoding[1]}`);
  const extension = name.slice(name.lastIndexOf('.') + 1);
  const isPage = name === 'index.html';
  void reply
    .headers(headers)
    .header('content-type', mediaTypes[extension] ?? 'application/octet-stream')
    .header('cache-control', isPage ? 'no-store' : `public, max-age=${String(YEAR)}, immutable`)
    .header('vary', 'accept-encoding');
  if (encoding !== undefined) void reply.header('content-encoding', encoding[0]);
  if (!isPage) void reply.header('etag', `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`);
  return reply.send(content);
}

/** The same as for an unknown URL: Fastify itself would report a wrong method. */
function missing(reply: FastifyReply): FastifyReply {
  const problem = problemOf(new Problem(404, 'NOT_FOUND', 'There is no such file in the console.'));
  return reply
    .code(404)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify(problem));
}

/**
 * Serves the console's files, and its page under every URL below it: the page itself knows which exist.
 * @returns what the service's `configure` takes. @throws {ConfigurationError} when the console is not built
 */
export function consolePages({ directory }: Pick<ConsoleOptions, 'directory'>): (fastify: FastifyInstance) => void {
  const files = new Files(directory);
  return (fastify) => {
    fastify.get<{ Params: { name: string } }>('/assets/:name', (request, reply) => {
      const name = `assets/${request.params.name}`;
      // A name that is not among the built files opens nothing, whatever it contains.
      if (!files.has(name)) return missing(reply);
      return send(files, name, request, reply);
    });
    fastify.get('/', (request, reply) => send(files, 'index.html', request, reply));
    fastify.addHook('onRequest', (request, reply, done) => {
      const isNavigation = request.method === 'GET' && String(request.headers.accept ?? '').includes('text/html');
      if (!request.is404 || !isNavigation || !pagePath.test(request.url.split('?')[0] ?? '')) {
        done();
        return;
      }
      send(files, 'index.html', request, reply);
    });
  };
}
