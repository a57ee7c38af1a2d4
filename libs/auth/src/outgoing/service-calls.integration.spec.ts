import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { createTokenClient, createVerifier, DpopNonces, generateSigningKey, TokenError } from '@countersign/auth-core';
import { freePort } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { decodeJwt } from 'jose';
import { OutgoingModule } from './outgoing.module.js';
import { type ServiceAnswer } from './service-call.js';
import { ServiceCalls } from './service-calls.js';

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

  it('are retried if they are idempotent and the failure is temporary, with the same key', async () => {
    handler = respond(503, 429, 200);
    expect(await send()).toMatchObject({ status: 200, attempts: 3 });
    seen.length = 0;
    handler = respond(502, 200);
    expect(await send({ method: 'POST', json: {}, idempotencyKey: 'k-1' })).toMatchObject({ status: 200, attempts: 2 });
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k-1', 'k-1']);
  });

  it('are sent once if they are not, and never retried for a client error', async () => {
    handler = respond(503, 200);
    expect(await send({ method: 'POST', json: {} })).toMatchObject({ status: 503, attempts: 1 });
    seen.length = 0;
    handler = respond(404, 200);
    expect(await send()).toMatchObject({ status: 404, attempts: 1 });
  });

  it('say why they were refused, even if a name has several addresses', async () => {
    // As Node's sockets do.
    const code = 'ECONNREFUSED';
    const refused = ['::1', '127.0.0.1'].map((host) => Object.assign(new Error(`connect ${code} ${host}:9`), { code }));
    const error = Object.assign(new AggregateError(refused, ''), { code });
    const tokens = createTokenClient({ issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey() });
    const answer = await new ServiceCalls({ tokens, transport: () => Promise.reject(error) }).send({
      url,
      audience: 'accounts',
      scopes: ['transfers:create'],
      deadlineMs: 20_000,
    });
    expect(answer).toMatchObject({
      code: 'NETWORK',
      reason: 'ECONNREFUSED: connect ECONNREFUSED ::1:9',
      mayHaveHappened: false,
    });
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

  it('are always retried if the connection was refused', async () => {
    const answer = await send({ url: `http://127.0.0.1:${String(await freePort())}/`, method: 'POST', json: {} });
    expect(answer).toMatchObject({ code: 'NETWORK', mayHaveHappened: false, attempts: 3 });
  });

  it('end by their deadline, including attempts and pauses', async () => {
    handler = () => undefined;
    const startedAt = performance.now();
    expect(await send({ deadlineMs: 300 })).toMatchObject({ code: 'DEADLINE_EXCEEDED', mayHaveHappened: true });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
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

  it('fail as a value, without having been sent, if the call itself is invalid', async () => {
    const endless: Record<string, unknown> = {};
    endless['self'] = endless;
    for (const wrong of [
      { url: 'undefined/transfers' },
      { url: 'http://accounts.test/transfers' },
      { json: endless, attempts: 1 },
    ])
      expect(await send({ method: 'POST', ...wrong })).toMatchObject({
        kind: 'failed',
        code: 'NETWORK',
        mayHaveHappened: false,
      });
    expect(seen).toEqual([]);
    const tokens = createTokenClient({ issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey() });
    const plain = { tokens, transport: () => Promise.reject(new Error('it was sent')) };
    const call = { url: 'http://accounts.test/', audience: 'accounts', scopes: [], attempts: 1 };
    expect(await new ServiceCalls(plain).send(call)).toMatchObject({ reason: expect.stringMatching(/plain http/) });
    expect(await new ServiceCalls({ ...plain, allowPlainHttp: true }).send(call)).toMatchObject({
      reason: 'it was sent',
    });
  });

  it('are repeated with a new token if the old one is refused before its expiry, but not if it was just issued', async () => {
    let later = 0;
    const now = (): number => Date.now() + later;
    const monotonic = (): number => performance.now() + later;
    const identity = { issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey(), now, monotonic };
    const patient = new ServiceCalls({ tokens: createTokenClient(identity), now, monotonic });
    const call = { url, audience: 'accounts', scopes: ['a'], method: 'POST', json: {}, deadlineMs: 20_000 };
    const tokens = (): number => new Set(seen.map(({ headers }) => headers.authorization)).size;
    const revoked: Handler = (_request, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="accounts", error="invalid_token"' }).end();
    handler = respond(200);
    await patient.send(call);
    handler = revoked;
    expect(await patient.send(call)).toMatchObject({ status: 401, attempts: 1 });
    later = 10_000;
    handler = (request, response, attempt) => {
      (attempt === 3 ? revoked : respond(200))(request, response, attempt);
    };
    expect(await patient.send(call)).toMatchObject({ status: 200, attempts: 2, mayHaveHappened: false });
    expect(tokens()).toBe(2);
    later = 20_000;
    handler = revoked;
    expect(await patient.send(call)).toMatchObject({ status: 401, attempts: 2 });
    later = 30_000;
    const body = new ReadableStream({ start: (stream) => (stream.enqueue(Buffer.from('x')), stream.close()) });
    expect(await patient.send({ ...call, json: undefined, body })).toMatchObject({ status: 401, attempts: 1 });
  });

  it('prove possession of the token’s key, and adopt the nonce that the receiver requires', async () => {
    const dpopKey = await generateSigningKey();
    const identity = { issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey(), dpopKey };
    const bound = new ServiceCalls({ tokens: createTokenClient(identity), dpopKey });
    const dpopNonces = new DpopNonces({ key: randomBytes(32) });
    const verifier = await createVerifier({ issuer: issuer.issuer, audience: 'accounts', dpopNonces });
    const callers: string[] = [];
    handler = (request, response, attempt) => {
      const { authorization = '', dpop } = request.headers;
      const presentation = { proof: String(dpop), method: 'POST', url: `${url}?page=2` };
      void verifier.verifyWithProof(authorization.replace('DPoP ', ''), presentation).then(
        ({ subject }) => {
          callers.push(subject);
          respond(401, 503, 200)(request, response, attempt);
        },
        (error: unknown) => {
          if (error instanceof TokenError) response.writeHead(error.status, error.headers('accounts')).end();
        },
      );
    };
    const call = { url: `${url}?page=2`, method: 'POST', audience: 'accounts', scopes: ['a'], deadlineMs: 20_000 };
    expect(await bound.send({ ...call, idempotencyKey: 'k' })).toMatchObject({ status: 200, attempts: 3 });
    expect(await bound.send(call)).toMatchObject({ status: 200, attempts: 1 });
    expect(callers).toEqual(['payments', 'payments', 'payments']);
    verifier.close();
  });

  it('treat the method case-insensitively, in the proof and for retries', async () => {
    const dpopKey = await generateSigningKey();
    const identity = { issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey(), dpopKey };
    const bound = new ServiceCalls({ tokens: createTokenClient(identity), dpopKey });
    handler = respond(503, 200);
    const call = { url, audience: 'accounts', scopes: ['a'], deadlineMs: 20_000 };
    expect(await bound.send({ ...call, method: 'get' })).toMatchObject({ status: 200, attempts: 2 });
    const { method, headers } = seen[0] ?? {};
    expect([method, decodeJwt(String(headers?.['dpop']))['htm']]).toEqual(['GET', 'GET']);
    seen.length = 0;
    handler = respond(503);
    expect(await bound.send({ ...call, method: 'patch' })).toMatchObject({ status: 503, attempts: 1 });
    expect(seen[0]?.method).toBe('PATCH');
  });

  it('read an answer that begins with a byte order mark', async () => {
    handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('\ufeff{"done":true}');
    };
    expect(await send()).toMatchObject({ status: 200, body: { done: true } });
  });

  it('are not made to a receiver that keeps failing, until a trial succeeds', async () => {
    let time = 0;
    let wall = Date.now();
    const tokens = createTokenClient({ issuer: issuer.issuer, clientId: 'payments', key: await generateSigningKey() });
    const careful = new ServiceCalls({ tokens, now: () => wall, monotonic: () => time, circuit: { minimumCalls: 3 } });
    const call = { url, audience: 'accounts', scopes: ['a'], attempts: 1, deadlineMs: 20_000 };
    handler = respond(500);
    for (let failure = 0; failure < 3; failure += 1) expect(await careful.send(call)).toMatchObject({ status: 500 });
    expect(await careful.send(call)).toMatchObject({ code: 'CIRCUIT_OPEN', mayHaveHappened: false });
    expect([seen.length, careful.circuit(url), careful.circuit('http://other.test/')]).toEqual([3, 'open', 'closed']);
    wall -= 600_000;
    time += 500;
    handler = respond(200);
    expect(await careful.send(call)).toMatchObject({ status: 200 });
    expect(careful.circuit(url)).toBe('closed');
  });

  it('limit each try to its own timeout, and report with a later refusal that an earlier try may have been processed', async () => {
    handler = (request, response, attempt) => {
      if (attempt > 1) respond(422)(request, response, attempt);
    };
    const call = { method: 'POST', json: {}, repeatable: true, timeoutMs: 300 };
    expect(await send(call)).toMatchObject({ status: 422, attempts: 2, mayHaveHappened: true });
    seen.length = 0;
    handler = respond(409, 201);
    expect(await send({ ...call, timeoutMs: 5_000, mayPass: (status) => status === 409 })).toMatchObject({
      status: 201,
    });
  });

  it('follow no redirect with a token, and limit the size of an answer', async () => {
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
