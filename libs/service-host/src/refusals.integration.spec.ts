import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Module } from '@nestjs/common';
import { MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { RequireScopes } from '@countersign/auth';
import { findNatsServer, freePort, newPassword, startPostgres, type Postgres } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import type pg from 'pg';
import { AuditTrailModule } from './audit-trail.js';
import { hostVariables, loadConfiguration } from './configuration.js';
import { DatabaseModule } from './database.js';
import { ServiceAuthModule } from './service-auth.js';
import { createService } from './start-service.js';
import { POOL } from './tokens.js';

const outbox = `CREATE TABLE audit_outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  event jsonb NOT NULL,
  sequence bigint UNIQUE,
  published_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE audit_sequence (source text PRIMARY KEY, last bigint NOT NULL);`;

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(): object {
    return {};
  }

  @MessagePattern('orders.read')
  @RequireScopes('orders:read')
  message(): object {
    return { id: 7 };
  }
}

describe('what the guard of a service refused', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-refusals-'));
  let postgres: Postgres;
  let nats: ReturnType<typeof spawn>;
  let client: NatsConnection;
  let issuer: TestIssuer;
  let app: Awaited<ReturnType<typeof createService>>;

  beforeAll(async () => {
    const port = await freePort();
    const url = `nats://127.0.0.1:${String(port)}`;
    nats = spawn(findNatsServer(), ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const migrationsFolder = join(directory, 'migrations');
    mkdirSync(join(migrationsFolder, 'meta'), { recursive: true });
    const entry = { idx: 0, version: '7', when: 1_767_225_600_000, tag: '0000_outbox', breakpoints: true };
    const journal = { version: '7', dialect: 'postgresql', entries: [entry] };
    writeFileSync(join(migrationsFolder, '0000_outbox.sql'), outbox);
    writeFileSync(join(migrationsFolder, 'meta/_journal.json'), JSON.stringify(journal));
    [postgres, client, issuer] = await Promise.all([
      startPostgres({ directory: join(directory, 'postgres'), password: newPassword(), fast: true }),
      connect({ servers: url, waitOnFirstConnect: true, maxReconnectAttempts: 600, reconnectTimeWait: 50 }),
      createTestIssuer({ audience: 'orders' }),
    ]);
    const database = await postgres.createDatabase('orders', newPassword());
    @Module({
      imports: [
        ServiceAuthModule.forRoot({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch }),
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
    await app.close();
    await client.close();
    nats.kill();
    await postgres.stop();
    for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
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
    const { rows } = await app
      .get<pg.Pool>(POOL)
      .query<{ event: unknown }>('select event from audit_outbox order by position');
    const type = 'countersign.orders.request.refused.v1';
    const request = { method: 'NATS', route: 'orders.read', peer: 'nats' };
    expect(rows.map(({ event }) => event)).toMatchObject([
      {
        type,
        traceparent: expect.stringContaining('a'.repeat(32)),
        data: { principal: null, reason: 'TOKEN_MISSING', request },
      },
      {
        type,
        data: {
          principal: { subject: 'ada', client_id: 'shop' },
          action: 'NATS orders.read',
          outcome: 'denied',
          reason: 'SCOPE_MISSING',
          request,
        },
      },
      { type, data: { reason: 'TOKEN_MISSING', request: { method: 'GET', route: '/orders' } } },
    ]);
  });
});
