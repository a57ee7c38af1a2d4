import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fastify, { type FastifyInstance, type FastifySchema } from 'fastify';
import { routeSchemaOptions } from './route-schemas.js';

const answering = (schema: FastifySchema): FastifyInstance => {
  const server = fastify(routeSchemaOptions);
  server.get('/', { schema }, () => ({ shown: 1, hidden: 2 }));
  return server;
};

/** In its own process: other specs of this one may have loaded them. */
const withoutSchemas = `
  import { createRequire } from 'node:module';
  import fastify from 'fastify';
  import { routeSchemaOptions } from './src/start/route-schemas.ts';
  const server = fastify(routeSchemaOptions);
  server.get('/', () => ({ id: 7 }));
  const { body: answer } = await server.inject('/');
  const compilers = Object.keys(createRequire(import.meta.url).cache).filter((file) => /\\/(ajv|[a-z-]+-compiler)\\//.test(file));
  process.stdout.write(JSON.stringify({ answer, compilers }));`;

describe('routes', () => {
  it('without JSON schemas load no compiler of them', () => {
    const { stdout } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', withoutSchemas],
      { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' },
    );
    expect(JSON.parse(stdout)).toEqual({ answer: '{"id":7}', compilers: [] });
  });

  it('with JSON schemas are validated and serialized by them', async () => {
    const server = answering({
      querystring: { type: 'object', properties: { limit: { type: 'integer', maximum: 10 } }, required: ['limit'] },
      headers: { type: 'object', properties: { 'x-tenant': { type: 'string' } }, required: ['x-tenant'] },
      response: { 200: { type: 'object', properties: { shown: { type: 'integer' } } } },
    });
    const get = (limit: string, headers: Record<string, string>) =>
      server.inject({ url: '/', query: { limit }, headers });
    expect((await get('10', { 'X-Tenant': 'a' })).json()).toEqual({ shown: 1 });
    expect((await get('11', { 'X-Tenant': 'a' })).statusCode).toBe(400);
    expect((await get('10', {})).statusCode).toBe(400);
  });

  it('whose schema of headers has capitals stop the start, because they would match no header', async () => {
    const server = answering({ headers: { allOf: [{ type: 'object', required: ['X-Tenant'] }] } });
    await expect(server.ready()).rejects.toThrow('the schema of headers must name X-Tenant in lower case');
  });
});
