import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { createVerifier, generateSigningKey } from '@countersign/auth-core';
import { freePort } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { OutgoingModule } from './outgoing.module.js';
import { ServiceCalls, type ServiceAnswer } from './service-calls.js';

type Handler = (request: IncomingMessage, response: ServerResponse, attempt: number) => void;

describe('outgoing calls, to a real server', () => {
  let issuer: TestIssuer;
  let server: Server;
  let url: string;
  let calls: ServiceCalls;
  let handler: Handler;
  let close: () => Promise<void>;
  const seen: IncomingMessage[] = [];

  const send = (call: Partial<Parameters<ServiceCalls['send']>[0]> = {}): Promise<ServiceAnswer> =>
    calls.send({ url, audience: 'accounts', scopes: ['transfers:create'], deadlineMs: 20_000, ...call });
  const respond =
    (...statuses: readonly number[]): Handler =>
    (_request, response, attempt) => {
      const status = statuses[Math.min(attempt, statuses.length) - 1] ?? 200;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"done":true}');
    };

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'accounts', listen: true });
    server = createServer((request, response) => {
      seen.push(request);
      request.resume();
      handler(request, response, seen.length);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    url = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}/transfers`;
    @Module({
      imports: [
        OutgoingModule.forRoot({ issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey() }),
      ],
    })
    class PaymentsModule {}
    const app = await NestFactory.createApplicationContext(PaymentsModule, { logger: false });
    calls = app.get(ServiceCalls);
    close = () => app.close();
  });
  beforeEach(() => {
    seen.length = 0;
  });
  afterAll(async () => {
    await close();
    await issuer.close();
    server.closeAllConnections();
    server.close();
  });

  it('carry a token for the service that is called, on behalf of the caller, and the trace', async () => {
    handler = respond(200);
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const onBehalfOf = await issuer.mint({ subject: 'ada', audience: 'payments' });
    const answer = await send({
      method: 'POST',
      json: { x: 1 },
      onBehalfOf,
      traceparent: trace,
      headers: { authorization: 'none' },
    });
    expect(answer).toMatchObject({ kind: 'answered', status: 200, body: { done: true }, attempts: 1 });
    const { authorization = '', traceparent = '', 'content-type': type } = seen[0]?.headers ?? {};
    const verifier = await createVerifier({ issuer: issuer.issuer, audience: 'accounts' });
    expect(verifier.verify(authorization.replace('Bearer ', ''))).toMatchObject({
      subject: 'ada',
      actors: [{ subject: 'payments' }],
      scopes: new Set(['transfers:create']),
    });
    verifier.close();
    expect([String(traceparent).slice(0, 36), type]).toEqual([trace.slice(0, 36), 'application/json']);
    expect(traceparent).not.toBe(trace);
    expect(issuer.tokenRequests.at(-1)?.traceparent).toBe(traceparent);
  });

  it('are tried again when they are idempotent and the fault may pass, with the same key', async () => {
    handler = respond(503, 429, 200);
    expect(await send()).toMatchObject({ status: 200, attempts: 3 });
    seen.length = 0;
    handler = respond(502, 200);
    expect(await send({ method: 'POST', json: {}, idempotencyKey: 'k-1' })).toMatchObject({ status: 200, attempts: 2 });
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k-1', 'k-1']);
  });

  it('are sent once when they are not, and never again for a fault of their own', async () => {
    handler = respond(503, 200);
    expect(await send({ method: 'POST', json: {} })).toMatchObject({ status: 503, attempts: 1 });
    seen.length = 0;
    handler = respond(404, 200);
    expect(await send()).toMatchObject({ status: 404, attempts: 1 });
  });

  it('say that something may have happened when the connection broke after sending', async () => {
    handler = (request) => request.socket.destroy();
    expect(await send({ method: 'POST', json: {} })).toMatchObject({
      code: 'NETWORK',
      mayHaveHappened: true,
      attempts: 1,
    });
    expect(seen).toHaveLength(1);
  });

  it('are tried again, whatever they are, when nobody listened', async () => {
    const answer = await send({ url: `http://127.0.0.1:${String(await freePort())}/`, method: 'POST', json: {} });
    expect(answer).toMatchObject({ code: 'NETWORK', mayHaveHappened: false, attempts: 3 });
  });

  it('end by their deadline, tries and pauses included', async () => {
    handler = () => undefined;
    const begun = performance.now();
    expect(await send({ deadlineMs: 300 })).toMatchObject({ code: 'DEADLINE_EXCEEDED', mayHaveHappened: true });
    expect(performance.now() - begun).toBeLessThan(5_000);
    handler = (_request, response) => response.writeHead(503, { 'retry-after': '60' }).end();
    expect(await send({ deadlineMs: 2_000 })).toMatchObject({ status: 503, attempts: 1 });
  });

  it('fail as a value, without having been sent, when there is no token', async () => {
    expect(await send({ onBehalfOf: 'not a token' })).toMatchObject({
      kind: 'failed',
      code: 'TOKEN_UNAVAILABLE',
      reason: expect.stringContaining('invalid_grant'),
      mayHaveHappened: false,
    });
    expect(seen).toHaveLength(0);
  });

  it('follow no redirect with a token, and read no endless answer', async () => {
    handler = (_request, response) => response.writeHead(302, { location: url }).end();
    expect(await send({ method: 'POST', json: {} })).toMatchObject({ code: 'NETWORK', attempts: 1 });
    handler = (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    expect(await send()).toMatchObject({ code: 'ANSWER_TOO_LARGE', mayHaveHappened: true });
  });
});
