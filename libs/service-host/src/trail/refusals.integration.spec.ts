import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Module } from '@nestjs/common';
import { MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { RequireScopes } from '@countersign/auth';
import { findNatsServer, freePort, startDatabases } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { type AuditEvent } from '@countersign/audit-event';
import pg from 'pg';
import { AuditTrailModule } from './audit-trail.module.js';
import { hostVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { DatabaseModule } from '../database/database.module.js';
import { nothingToRecord, Unrecorded } from './recorded-answers.guard.js';
import { Trace, type RequestTrace } from '../trace/request-trace.js';
import { ServiceAuthModule } from '../credentials/service-auth.module.js';
import { createService } from '../start/start-service.js';
import { Refusals } from './refusals.service.js';

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  @Unrecorded('nothing is shown')
  read(): object {
    return {};
  }

  @Get('forgotten')
  @RequireScopes('orders:read')
  forgotten(): object {
    return { secret: 'shown to nobody' };
  }

  @Get('none')
  @RequireScopes('orders:read')
  none(@Trace() trace: RequestTrace): object {
    nothingToRecord(trace);
    return { orders: [] };
  }

  @Get('hello')
  @RequireScopes('orders:read')
  @Unrecorded('a greeting')
  hello(): object {
    return { hello: true };
  }

  @MessagePattern('orders.read')
  @RequireScopes('orders:read')
  message(): object {
    return { id: 7 };
  }
}

const REFUSAL_LIMIT = 50;

describe('what the guard of a service refused', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-refusals-'));
  const databases = startDatabases();
  let nats: ReturnType<typeof spawn>;
  let client: NatsConnection;
  let issuer: TestIssuer;
  let app: Awaited<ReturnType<typeof createService>>;
  let pool: pg.Pool;

  async function recorded(): Promise<readonly Pick<AuditEvent, 'type' | 'data'>[]> {
    const { rows } = await pool.query<{ event: AuditEvent }>('select event from audit_outbox_event order by position');
    return rows.map(({ event }) => event);
  }

  beforeAll(async () => {
    const port = await freePort();
    const url = `nats://127.0.0.1:${String(port)}`;
    nats = spawn(findNatsServer(), ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const migrationsFolder = join(directory, 'migrations');
    mkdirSync(join(migrationsFolder, 'meta'), { recursive: true });
    const journal = { version: '7', dialect: 'postgresql', entries: [] };
    writeFileSync(join(migrationsFolder, 'meta/_journal.json'), JSON.stringify(journal));
    let database: string;
    [database, client, issuer] = await Promise.all([
      databases.database('orders'),
      connect({ servers: url, waitOnFirstConnect: true, maxReconnectAttempts: 600, reconnectTimeWait: 50 }),
      createTestIssuer({ audience: 'orders' }),
    ]);
    pool = new pg.Pool({ connectionString: database, max: 1 });
    pool.on('error', () => undefined);
    @Module({
      imports: [
        ServiceAuthModule.forRoot({
          issuer: issuer.issuer,
          audience: 'orders',
          fetch: issuer.fetch,
          refusals: { limitPerMinute: REFUSAL_LIMIT, flushIntervalMs: 3_600_000 },
        }),
        DatabaseModule.forRoot({ url: database, migrationsFolder }),
        AuditTrailModule.forRoot({ source: 'orders', nats: { url } }),
      ],
      controllers: [OrdersController],
    })
    class OrdersModule {}
    const configuration = loadConfiguration(hostVariables, { PORT: '0', LOG_LEVEL: 'silent' });
    app = await createService({ name: 'orders', configuration, module: OrdersModule });
    app.connectMicroservice<MicroserviceOptions>(
      { transport: Transport.NATS, options: { servers: url } },
      { inheritAppConfig: true },
    );
    await app.startAllMicroservices();
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await client.close();
    nats.kill();
    await databases.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('is in the outbox before it is answered, a message as well as a request', async () => {
    const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const token = await issuer.mint({ subject: 'ada', clientId: 'shop', scopes: ['other'] });
    const ask = async (authorization?: string): Promise<unknown> => {
      const carried = headers();
      carried.set('traceparent', trace);
      if (authorization !== undefined) carried.set('Authorization', authorization);
      const data = JSON.stringify({ pattern: 'orders.read', data: {}, id: '1' });
      return (await client.request('orders.read', data, { headers: carried, timeout: 10_000 })).json();
    };
    expect(await ask(`Bearer ${await issuer.mint({ scopes: ['orders:read'] })}`)).toMatchObject({
      response: { id: 7 },
    });
    expect(await ask()).toMatchObject({ err: { code: 'TOKEN_MISSING' } });
    expect(await ask(`Bearer ${token}`)).toMatchObject({ err: { code: 'SCOPE_MISSING' } });
    expect((await app.inject({ method: 'GET', url: '/orders' })).statusCode).toBe(401);
    const type = 'countersign.orders.request.refused.v1';
    const counted = 'countersign.orders.requests.refused.v1';
    const once = { count: 1, first: expect.any(String), last: expect.any(String) };
    const request = { method: 'NATS', route: 'orders.read', peer: 'nats' };
    expect(await recorded()).toMatchObject([
      {
        type: counted,
        traceparent: expect.stringContaining('a'.repeat(32)),
        data: { principal: null, reason: 'TOKEN_MISSING', request, changes: once },
      },
      {
        type,
        data: {
          principal: { subject: 'ada', client_id: 'shop' },
          action: 'route:call',
          resource: 'route/NATS orders.read',
          outcome: 'denied',
          reason: 'SCOPE_MISSING',
          request,
        },
      },
      {
        type: counted,
        data: {
          reason: 'TOKEN_MISSING',
          request: { method: 'GET', route: '/orders', peer: '127.0.0.1' },
          changes: once,
        },
      },
    ]);
  });

  it('is answered, and a handler that forgets its record is not', async () => {
    const authorization = `Bearer ${await issuer.mint({ scopes: ['orders:read'] })}`;
    const get = (url: string) => app.inject({ method: 'GET', url, headers: { authorization } });
    const forgotten = await get('/orders/forgotten');
    expect([forgotten.statusCode, forgotten.json()]).toEqual([500, expect.objectContaining({ code: 'UNRECORDED' })]);
    expect(forgotten.body).not.toContain('secret');
    expect((await get('/orders/hello')).json()).toEqual({ hello: true });
    expect((await get('/orders/none')).json()).toEqual({ orders: [] });
    expect((await app.inject({ method: 'GET', url: '/orders/forgotten' })).statusCode).toBe(401);
    expect((await get('/metrics')).body).toMatch(/unrecorded_answers_total\{.*route="\/orders\/forgotten".*\} 1/);
  });

  it('becomes a few events for a flood of strangers, who get 429, while a verified caller from their network is served', async () => {
    await pool.query('truncate audit_outbox, audit_outbox_group');
    const from = (remoteAddress: string, authorization?: string) =>
      app.inject({
        method: 'GET',
        url: '/orders',
        remoteAddress,
        ...(authorization === undefined ? {} : { headers: { authorization } }),
      });
    const flood = await Promise.all(Array.from({ length: 200 }, () => from('198.51.100.7')));
    expect(flood.filter(({ statusCode }) => statusCode === 401)).toHaveLength(REFUSAL_LIMIT);
    const refused = flood.find(({ statusCode }) => statusCode === 429);
    expect(refused?.json()).toMatchObject({ code: 'TOO_MANY_REFUSALS', retry_after: expect.any(Number) });
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    const good = `Bearer ${await issuer.mint({ scopes: ['orders:read'] })}`;
    expect((await from('198.51.100.7', good)).statusCode).toBe(200);
    expect((await from('198.51.100.7', `Bearer ${await issuer.mint({ scopes: ['other'] })}`)).statusCode).toBe(403);
    const late = await issuer.mint({ scopes: ['orders:read'], lifetime: -60 });
    expect((await from('198.51.100.7', `Bearer ${late}`)).json()).toMatchObject({ code: 'TOKEN_EXPIRED' });
    for (const last of ['1', '2']) expect((await from(`2001:db8:0:7::${last}`)).statusCode).toBe(401);
    expect((await recorded()).length).toBe(4);
    await app.get(Refusals).flush();
    const events = await recorded();
    expect(events.length).toBe(6);
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          data: expect.objectContaining({
            reason: 'TOKEN_MISSING',
            request: expect.objectContaining({ peer: '198.51.100.7' }),
            changes: expect.objectContaining({ count: 199 }),
          }),
        }),
        expect.objectContaining({
          data: expect.objectContaining({
            request: expect.objectContaining({ peer: '2001:db8:0:7::/64' }),
            changes: expect.objectContaining({ count: 1 }),
          }),
        }),
      ]),
    );
  });

  it('is recorded when the service stops, a message as well as a request', async () => {
    await pool.query('truncate audit_outbox, audit_outbox_group');
    for (let n = 0; n < 3; n += 1) await app.inject({ method: 'GET', url: '/orders', remoteAddress: '203.0.113.9' });
    for (let n = 0; n < 3; n += 1)
      await client.request('orders.read', JSON.stringify({ pattern: 'orders.read', data: {}, id: '1' }));
    // Requests are answered until the last part has let go.
    await app.get(Refusals).beforeApplicationShutdown();
    const before = (await recorded()).length;
    for (let n = 0; n < 2; n += 1) await app.inject({ method: 'GET', url: '/orders', remoteAddress: '203.0.113.9' });
    expect((await recorded()).length).toBe(before + 2);
    await app.close();
    const tallied = (await recorded()).filter(({ data }) => Number(data.changes?.['count']) >= 2);
    expect(tallied.map(({ data }) => [data.request?.peer, data.changes?.['count']])).toEqual(
      expect.arrayContaining([
        ['203.0.113.9', 2],
        ['nats', expect.any(Number)],
      ]),
    );
  });
});
