import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Public } from '@countersign/auth';
import { ALL_REPORTS, connectToNats, parseReport, type SourceReport } from '@countersign/audit-client';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import pg from 'pg';
import { AuditTrailModule } from '../trail/audit-trail.module.js';
import { hostVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { DatabaseModule } from '../database/database.module.js';
import { Unrecorded } from '../trail/recorded-answers.guard.js';
import { thisReplica } from '../trail/source-report.js';
import { createService } from './start-service.js';
import { LOGGER, POOL } from '../tokens.js';
import { type Logger } from 'pino';

@Public()
@Unrecorded("shows nobody's data")
@Controller()
class NotesController {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}
  @Get('notes')
  async read(): Promise<object> {
    return (await this.pool.query('select 1')).rows;
  }
  @Get('full')
  full(): never {
    throw new Error('failed query', {
      cause: Object.assign(new Error('could not extend file: No space left on device'), { code: '53100' }),
    });
  }
}

describe("a service's signals", () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-signals-'));
  let backing: BackingServices;
  let app: NestFastifyApplication;
  let superuser: pg.Client;
  const warned: string[] = [];
  const stopped = new AbortController();
  const quiet = { info: () => undefined, warn: () => undefined };

  const get = async (url: string): Promise<{ readonly status: number; readonly body: string }> => {
    const { statusCode: status, body } = await app.inject({ method: 'GET', url });
    return { status, body };
  };
  async function metric(name: string): Promise<number> {
    const { body } = await get('/metrics');
    return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(body)?.[1] ?? Number.NaN);
  }
  async function until(what: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      if (await what()) return;
      await delay(50);
    }
    throw new Error('it did not come about');
  }

  beforeAll(async () => {
    mkdirSync(join(directory, 'meta'), { recursive: true });
    const journal = { version: '7', dialect: 'postgresql', entries: [] };
    writeFileSync(join(directory, 'meta/_journal.json'), JSON.stringify(journal));
    backing = await startBackingServices();
    const url = await backing.database('payments');
    superuser = new pg.Client({ connectionString: url });
    await superuser.connect();
    const { payments: password } = backing.passwords;
    @Module({
      imports: [
        DatabaseModule.forRoot({ url, migrationsFolder: directory, max: 4 }),
        AuditTrailModule.forRoot({
          source: 'payments',
          nats: { url: backing.nats.url, user: 'payments', password },
        }),
      ],
      controllers: [NotesController],
    })
    class NotesModule {}
    const configuration = loadConfiguration(hostVariables, { PORT: '0', LOG_LEVEL: 'silent' });
    app = await createService({ name: 'payments', configuration, module: NotesModule });
    const logger = app.get<Logger>(LOGGER);
    Object.assign(logger, {
      warn: (...line: readonly unknown[]) => {
        warned.push(JSON.stringify(line));
      },
    });
  }, 120_000);
  afterAll(async () => {
    await superuser.end();
    await app.close();
    await backing.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it("have the process's own at the first scrape, with its event loop's lag, which nothing measures before", async () => {
    // In one scrape, because each begins to measure again.
    const { body } = await get('/metrics');
    const [least = Number.NaN, most = Number.NaN] = ['min', 'max'].map((which) =>
      Number(new RegExp(`^nodejs_eventloop_lag_${which}_seconds\\{[^}]*\\} (\\S+)$`, 'm').exec(body)?.[1]),
    );
    expect(least).toBeGreaterThan(0);
    expect(most).toBeGreaterThanOrEqual(least);
    expect(most).toBeLessThan(60);
  });

  it('show how many events wait, how old the oldest is, and that NATS is unavailable, during an outage, and report it to audit after it', async () => {
    await until(async () => (await metric('audit_relay_connected')) === 1);
    await backing.nats.stop();
    await superuser.query(
      `insert into audit_outbox (id, event, created_at) select gen_random_uuid(), '{}', now() - interval '1 hour' from generate_series(1, 4)`,
    );
    await superuser.query(`insert into audit_outbox_group (events, count) values (E'{}\n{}\n{}', 3)`);
    await until(async () => (await metric('audit_outbox_pending')) === 7);
    expect(await metric('audit_outbox_oldest_seconds')).toBeGreaterThanOrEqual(3_600);
    await until(async () => (await metric('audit_relay_connected')) === 0);
    expect((await get('/health/ready')).body).toMatch(/"audit_relay":\{"connected":false.*"pending":7/);
    await backing.nats.start();
    const { audit: password } = backing.passwords;
    const audit = await connectToNats(
      'audit',
      { url: backing.nats.url, user: 'audit', password },
      quiet,
      stopped.signal,
    );
    const reports: (SourceReport | undefined)[] = [];
    audit?.subscribe(ALL_REPORTS, {
      callback: (_error, message) => {
        reports.push(parseReport('payments', message.string()));
      },
    });
    await until(async () => (await metric('audit_relay_connected')) === 1);
    await until(() => Promise.resolve(reports.length > 0));
    await audit?.close();
    const { outbox, ...rest } = reports[0] ?? {};
    expect(rest).toEqual({
      source: 'payments',
      replica: thisReplica,
      status: 'ready',
      failing: [],
      revocation_feed: null,
    });
    expect(outbox?.pending).toBe(7);
    expect(outbox?.oldest_seconds).toBeGreaterThanOrEqual(3_600);
  }, 60_000);

  it('fail readiness for a while after PostgreSQL had no room, although it still answers', async () => {
    expect((await get('/health/ready')).status).toBe(200);
    for (let again = 0; again < 3; again += 1) expect((await get('/full')).status).toBe(503);
    expect(await get('/health/ready')).toMatchObject({ status: 503, body: expect.stringMatching(/No space left/) });
    expect(warned.filter((line) => line.includes('No space left'))).toHaveLength(1);
  });

  it('say that the login may change its own schema: a single URL', async () => {
    expect((await get('/health/ready')).body).toContain('"database_login":{"may_change_schema":true}');
  });
});
