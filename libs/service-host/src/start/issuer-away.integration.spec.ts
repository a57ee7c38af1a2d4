import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import { freePort, startDatabases } from '@countersign/backing-services';
import { AuditTrailModule } from '../trail/audit-trail.module.js';
import { hostVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { DatabaseModule } from '../database/database.module.js';
import { ServiceAuthModule } from '../credentials/service-auth.module.js';
import { createService } from './start-service.js';

describe('a service that starts while the issuer is unavailable', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-issuer-away-'));
  const keysFile = join(directory, 'keys.json');
  const databases = startDatabases();
  let database: string;
  let port: number;
  let app: NestFastifyApplication | undefined;
  let issuer: Server | undefined;

  async function start(): Promise<NestFastifyApplication> {
    @Module({
      imports: [
        ServiceAuthModule.forRoot({ issuer: `http://127.0.0.1:${String(port)}`, audience: 'orders', keysFile }),
        DatabaseModule.forRoot({ url: database, migrationsFolder: join(directory, 'migrations') }),
        AuditTrailModule.forRoot({ source: 'orders', nats: { url: 'nats://127.0.0.1:1' } }),
      ],
    })
    class OrdersModule {}
    const configuration = loadConfiguration(hostVariables, { PORT: '0', LOG_LEVEL: 'silent' });
    return createService({ name: 'orders', configuration, module: OrdersModule });
  }
  async function readiness(): Promise<{ readonly status: number; readonly body: string }> {
    const answer = await app?.inject({ method: 'GET', url: '/health/ready' });
    return { status: answer?.statusCode ?? 0, body: answer?.body ?? '' };
  }

  async function becomesReady(): Promise<void> {
    for (const deadline = performance.now() + 25_000; performance.now() < deadline; await delay(50))
      if ((await readiness()).status === 200) break;
    expect(await readiness()).toMatchObject({ status: 200 });
  }

  beforeAll(async () => {
    mkdirSync(join(directory, 'migrations/meta'), { recursive: true });
    const journal = JSON.stringify({ dialect: 'postgresql', entries: [] });
    writeFileSync(join(directory, 'migrations/meta/_journal.json'), journal);
    database = await databases.database('orders');
    port = await freePort();
  }, 60_000);
  afterAll(async () => {
    await app?.close();
    issuer?.close();
    await databases.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('says that it has no keys, becomes ready by itself once the issuer is there, and next time starts without it', async () => {
    app = await start();
    expect(await readiness()).toMatchObject({
      status: 503,
      body: expect.stringMatching(/issuer_keys.*not loaded yet/),
    });
    const jwks = { keys: [publicJwkOf(await generateSigningKey())] };
    issuer = createServer((_request, response) => {
      response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify(jwks));
    });
    await new Promise<void>((done) => issuer?.listen(port, '127.0.0.1', done));
    await becomesReady();
    // Keys count as soon as they are there, and are kept a moment later.
    for (const deadline = performance.now() + 25_000; performance.now() < deadline; await delay(50))
      if (existsSync(keysFile)) break;

    issuer.closeAllConnections();
    await new Promise((done) => issuer?.close(done));
    await app.close();
    app = await start();
    await becomesReady();
  }, 60_000);
});
