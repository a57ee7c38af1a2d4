import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Body, Controller, Delete, Get, Global, Module, Param, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { hostVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { AcceptsForm } from './media-type.js';
import { Unrecorded } from '../trail/recorded-answers.guard.js';
import { ZodBody, ZodParam, ZodQuery } from './schema-parameters.js';
import { createService } from '../start/start-service.js';
import { OAUTH_ROUTES } from '../tokens.js';

@Unrecorded("shows nobody's data")
@Controller()
class Orders {
  @Post('orders')
  make(@ZodBody(z.looseObject({ name: z.string() })) body: object): object {
    return body;
  }
  @Get('orders')
  find(@ZodQuery(z.strictObject({ q: z.string() })) query: object): object {
    return query;
  }
  @Get('orders/:id')
  read(@ZodParam('id', z.string()) id: string): object {
    return { id };
  }
  @Delete('orders/:id')
  end(@Param('id') id: string): object {
    return { id };
  }
  @Post('oauth2/form')
  @AcceptsForm()
  form(@Body() body: object): object {
    return body;
  }
}

let held: { entered: () => void; until: Promise<void> };
@Unrecorded("shows nobody's data")
@Controller()
class Slow {
  @Get('slow')
  async read(): Promise<object> {
    held.entered();
    await held.until;
    return {};
  }
}

@Global()
@Module({
  controllers: [Orders, Slow],
  providers: [{ provide: OAUTH_ROUTES, useValue: '/oauth2/' }],
  exports: [OAUTH_ROUTES],
})
class OrdersModule {}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('the checks that every request meets first', () => {
  let app: NestFastifyApplication;
  let port: number;

  beforeAll(async () => {
    const configuration = { ...loadConfiguration(hostVariables, { PORT: '0' }), LOG_LEVEL: 'silent' as const };
    app = await createService({ name: 'orders', configuration, module: OrdersModule });
    await app.listen(0, '127.0.0.1');
    port = Number(new URL(await app.getUrl()).port);
  });
  afterAll(() => app.close());

  /** Sends bytes as they are, on their own connection. */
  function send(...parts: readonly (string | Buffer)[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
      socket.on('error', reject);
      socket.on('close', () => {
        const [head = '', body = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
        const [status = '', ...lines] = head.split('\r\n');
        const headers = lines
          .map((line) => line.split(': '))
          .map(([name = '', value = '']) => [name.toLowerCase(), value] as const);
        resolve({ status: Number(status.split(' ')[1]), headers: new Map(headers), body: Object(JSON.parse(body)) });
      });
      socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
    });
  }
  function ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: string | Buffer = '',
  ): Promise<Answer> {
    const length = Buffer.byteLength(body);
    const all = {
      host: 'orders',
      connection: 'close',
      ...(length === 0 ? {} : { 'content-length': String(length) }),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return send(`${method} ${path} HTTP/1.1\r\n`, ...lines, '\r\n', body);
  }
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const problem = ({ status, headers, body }: Answer) => {
    expect([headers.get('content-type')?.split(';')[0], typeof body['request_id'], body['status']]).toEqual([
      'application/problem+json',
      'string',
      status,
    ]);
    return [status, body['code']];
  };

  it.each([
    ['PUT', '/orders', 'GET, HEAD, POST'],
    ['PATCH', '/orders/7?x=1', 'DELETE, GET, HEAD'],
    ['GET', '/oauth2/form', 'POST'],
    ['OPTIONS', '/health/live', 'GET, HEAD'],
    ['PROPFIND', '/orders', 'GET, HEAD, POST'],
  ])('answers %s %s with 405 and the methods that there are', async (method, path, allow) => {
    const answer = await ask(method, path);
    expect([...problem(answer), answer.headers.get('allow')]).toEqual([405, 'METHOD_NOT_ALLOWED', allow]);
  });

  it('answers an unknown path with 404, whatever the method', async () => {
    expect(problem(await ask('GET', '/no/such'))).toEqual([404, 'ROUTE_UNKNOWN']);
    expect(problem(await ask('POST', '/no/such', { ...form, 'content-type': 'text/plain' }, 'x'))).toEqual([
      404,
      'ROUTE_UNKNOWN',
    ]);
  });

  it.each([
    ['a bad % in the path', () => ask('GET', '/orders/%zz'), [400, 'PATH_MALFORMED']],
    ['a path that is not UTF-8', () => ask('GET', '/orders/%ff'), [400, 'PATH_MALFORMED']],
    ['an overlong parameter', () => ask('GET', `/orders/${'x'.repeat(201)}`), [414, 'PATH_TOO_LONG']],
    ['oversized headers', () => ask('GET', '/orders/7', { more: 'x'.repeat(20_000) }), [431, 'HEADERS_TOO_LARGE']],
    ['what is not HTTP', () => send('hello\r\n\r\n'), [400, 'REQUEST_MALFORMED']],
    [
      'two lengths',
      () => ask('POST', '/orders', { ...json, 'transfer-encoding': 'chunked' }, '{}'),
      [400, 'REQUEST_MALFORMED'],
    ],
    ['U+0000 in the path', () => ask('GET', '/orders/%00'), [400, 'REQUEST_INVALID']],
    ['an escape sequence in the query', () => ask('GET', '/orders?q=%1b%5b31m'), [400, 'REQUEST_INVALID']],
    [
      'a body of another type',
      () => ask('POST', '/orders', { 'content-type': 'text/plain' }, 'x'),
      [415, 'MEDIA_TYPE_UNSUPPORTED'],
    ],
    ['a body of no type', () => ask('POST', '/orders', {}, '{"name":"x"}'), [415, 'MEDIA_TYPE_UNSUPPORTED']],
    ['a form where JSON is expected', () => ask('POST', '/orders', form, 'name=x'), [415, 'MEDIA_TYPE_UNSUPPORTED']],
    [
      'compressed JSON',
      () => ask('POST', '/orders', { ...json, 'content-encoding': 'gzip' }, gzipSync('{}')),
      [415, 'CONTENT_ENCODING_UNSUPPORTED'],
    ],
    [
      'a body that is too large',
      () => ask('POST', '/orders', json, `"${'x'.repeat(70_000)}"`),
      [413, 'BODY_TOO_LARGE'],
    ],
    [
      'a body that is not UTF-8',
      () => ask('POST', '/orders', json, Buffer.from('{"name":"M\u00fcller"}', 'latin1')),
      [400, 'BODY_NOT_UTF8'],
    ],
    ['no JSON', () => ask('POST', '/orders', json, '{'), [400, 'BODY_NOT_JSON']],
    ['an empty body', () => ask('POST', '/orders', { ...json, 'content-length': '0' }), [400, 'REQUEST_INVALID']],
    ['a member twice', () => ask('POST', '/orders', json, '{"name":"a","name":"b"}'), [400, 'MEMBER_REPEATED']],
    [
      'JSON nested too deeply',
      () => ask('POST', '/orders', json, `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
      [400, 'BODY_TOO_DEEP'],
    ],
    ['U+0000 in the body', () => ask('POST', '/orders', json, '{"name":"a\\u0000"}'), [400, 'REQUEST_INVALID']],
  ] as const)('answers %s with a problem document', async (_what, request, expected) => {
    expect(problem(await request())).toEqual(expected);
  });

  it('names the text that is not plain', async () => {
    const { body } = await ask('POST', '/orders', json, '{"name":"a","lines":[{"note":"\\ud800"}]}');
    expect(body['errors']).toEqual([
      { path: 'lines.0.note', message: expect.stringContaining('half a surrogate pair') },
    ]);
    const query = await ask('GET', '/orders?q=a%00');
    expect(query.body['errors']).toEqual([{ path: 'q', message: expect.stringContaining('control characters') }]);
    const path = await ask('GET', '/orders/a%0ab');
    expect(path.body['errors']).toEqual([{ path: 'id', message: expect.stringContaining('line breaks') }]);
  });

  it.each([
    ['JSON', json, '{"a":"1"}', 415],
    ['a compressed form', { ...form, 'content-encoding': 'gzip' }, gzipSync('a=1'), 415],
    ['a form that is not UTF-8', form, Buffer.from('a=M\u00fc', 'latin1'), 400],
    ['U+0000', form, 'a=%00', 400],
    ['an escape sequence', form, 'a=%1B%5B31m', 400],
    ['a parameter twice', form, 'a=1&a=2', 400],
  ])('answers %s at a form endpoint in its own form of error', async (_what, headers, body, status) => {
    const answer = await ask('POST', '/oauth2/form', headers, body);
    expect([answer.status, answer.body['error']]).toEqual([status, 'invalid_request']);
  });

  it('describes errors of a form in the characters that RFC 6749 allows, whatever the caller sent', async () => {
    const { body } = await ask('POST', '/oauth2/form', form, 'n%C3%A4me%22%5C=1&n%C3%A4me%22%5C=2');
    expect(body).toEqual({
      error: 'invalid_request',
      error_description: "The parameter 'n?me?'??' appears more than once.",
    });
  });

  it('takes what is well formed', async () => {
    const utf8 = { 'content-type': 'Application/JSON; charset=utf-8' };
    expect((await ask('POST', '/orders', utf8, '{"name":"M\u00fcller 😀"}')).body).toEqual({ name: 'M\u00fcller 😀' });
    expect(
      (await ask('POST', '/oauth2/form', { ...form, 'content-encoding': 'identity' }, 'a=M%C3%BC+x')).body,
    ).toEqual({ a: 'M\u00fc x' });
    expect((await ask('GET', '/orders/7', { 'content-type': 'text/plain' })).status).toBe(200);
    expect((await ask('GET', '/orders/%F0%9F%98%80')).body).toEqual({ id: '😀' });
  });

  it('answers a request that comes while the service closes with a problem document', async () => {
    const configuration = { ...loadConfiguration(hostVariables, { PORT: '0' }), LOG_LEVEL: 'silent' as const };
    const closing = await createService({ name: 'orders', configuration, module: OrdersModule });
    await closing.listen(0, '127.0.0.1');
    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    const entered = new Promise<void>((resolve) => (held = { entered: resolve, until }));
    const socket = connect(Number(new URL(await closing.getUrl()).port), '127.0.0.1');
    const text = new Promise<string>((resolve) => {
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)));
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    });
    socket.write('GET /slow HTTP/1.1\r\nhost: orders\r\n\r\n');
    await entered;
    const closed = closing.close();
    while (closing.getHttpServer().listening === true) await new Promise((resolve) => setImmediate(resolve));
    socket.write('GET /slow HTTP/1.1\r\nhost: orders\r\n\r\n');
    release();
    const [, second = ''] = (await text).split(/(?=HTTP\/1\.1 503)/);
    await closed;
    expect(second).toContain('application/problem+json');
    expect(second).toMatch(/"code":"CLOSING".*"request_id"/);
    expect(second.toLowerCase()).toContain('retry-after: 1');
  });
});
