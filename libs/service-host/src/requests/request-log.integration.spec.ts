import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { RequireScopes, RouteReport } from '@countersign/auth';
import { startDatabases } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { type Logger } from 'pino';
import { AuditTrailModule } from '../trail/audit-trail.module.js';
import { hostVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { DatabaseModule } from '../database/database.module.js';
import { Unrecorded } from '../trail/recorded-answers.guard.js';
import { ServiceAuthModule } from '../credentials/service-auth.module.js';
import { createService } from '../start/start-service.js';
import { LOGGER } from '../tokens.js';

@Unrecorded("shows nobody's data")
@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(): object {
    return {};
  }
}

describe('the log', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-request-log-'));
  const databases = startDatabases();
  let issuer: TestIssuer;
  let app: NestFastifyApplication;

  beforeAll(async () => {
    mkdirSync(join(directory, 'migrations/meta'), { recursive: true });
    const journal = JSON.stringify({ dialect: 'postgresql', entries: [] });
    writeFileSync(join(directory, 'migrations/meta/_journal.json'), journal);
    issuer = await createTestIssuer({ audience: 'orders' });
    @Module({
      imports: [
        ServiceAuthModule.forRoot({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch }),
        DatabaseModule.forRoot({
          url: await databases.database('orders'),
          migrationsFolder: join(directory, 'migrations'),
        }),
        AuditTrailModule.forRoot({ source: 'orders', nats: { url: 'nats://127.0.0.1:1' } }),
      ],
      controllers: [OrdersController],
    })
    class OrdersModule {}
    const configuration = loadConfiguration(hostVariables, { PORT: '0', LOG_LEVEL: 'silent' });
    app = await createService({ name: 'orders', configuration, module: OrdersModule });
  }, 60_000);
  afterAll(async () => {
    await app.close();
    await databases.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('of the start names what leaves no audit event, and why, beside what each route needs', () => {
    const lines = app.get(RouteReport, { strict: false }).lines();
    expect(lines.map((line) => line.split(/ {2,}/))).toContainEqual([
      'GET /orders',
      'orders:read',
      'OrdersController.read',
      "unrecorded: shows nobody's data",
    ]);
  });

  it('of a request names client and subject of a verified caller, refused or not, and of no other', async () => {
    const lines: unknown[] = [];
    Object.assign(app.get<Logger>(LOGGER), {
      isLevelEnabled: () => true,
      info: (line: unknown) => {
        lines.push(line);
      },
    });
    const valid = await issuer.mint({ subject: 'ada', clientId: 'shop', scopes: ['orders:read'] });
    const narrow = await issuer.mint({ subject: 'bob', clientId: 'shop', scopes: ['other'] });
    const forged = `${valid.slice(0, valid.lastIndexOf('.'))}.${'A'.repeat(86)}`;
    for (const token of [valid, narrow, forged]) {
      await app.inject({ method: 'GET', url: '/orders', headers: { authorization: `Bearer ${token}` } });
    }
    expect(lines).toMatchObject([
      { route: '/orders', status: 200, client: 'shop', subject: 'ada' },
      { route: '/orders', status: 403, client: 'shop', subject: 'bob' },
      { route: '/orders', status: 401 },
    ]);
    expect(lines[2]).not.toHaveProperty('client');
    expect(lines[2]).not.toHaveProperty('subject');
    expect(JSON.stringify(lines)).not.toContain(valid.slice(0, valid.indexOf('.')));
  });
});
