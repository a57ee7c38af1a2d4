import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Controller,
  Get,
  Module,
  NotFoundException,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuditOutbox } from '@countersign/audit-client';
import { AuthModule, Public, RequireScopes, TOKEN_VERIFIER, type Refusal } from '@countersign/auth';
import { type KeysReport, type TokenVerifier } from '@countersign/auth-core';
import { startDatabases } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import pg from 'pg';
import { PostgresDpopReplayStore } from './dpop.js';
import { HealthModule } from './health.js';
import { Problem, ProblemsModule } from './problems.js';
import { Refusals, RefusalTrailModule } from './refusals.js';
import { Trace, type RequestTrace } from './trace.js';

@Public()
@Controller('orders')
class Orders {
  @Get('sent')
  sent(): never {
    throw new Problem(409, 'ORDER_SENT', 'The order has already been sent.', { order: '7' });
  }

  @Get('none')
  none(): never {
    throw new NotFoundException('No such order.');
  }

  @Get('broken')
  broken(): never {
    throw new Error('a secret');
  }

  @Get(':id/trace')
  trace(@Trace() trace: RequestTrace): RequestTrace {
    return trace;
  }
}

@Controller('guarded')
class Guarded {
  @Get(':id')
  @RequireScopes('orders:read')
  read(): object {
    return {};
  }
}

const packages = join(import.meta.dirname, '../..');
const fileOf = (name: string): string => readFileSync(join(packages, name), 'utf8');

const databases = startDatabases();
let pool: pg.Pool;
let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: 'orders' });
  pool = new pg.Pool({ connectionString: await databases.database('parts') });
  pool.on('error', () => undefined);
  // What a service puts into its own migrations.
  await pool.query(fileOf('dpop-proofs.sql'));
  await pool.query(fileOf('../audit-client/outbox.sql'));
}, 120_000);
afterAll(async () => {
  await pool.end();
  await databases.stop();
}, 60_000);

describe.each(['Express', 'Fastify'])('in a plain Nest application on %s', (platform) => {
  let app: INestApplication | undefined;
  async function serve(module: object): Promise<string> {
    class Root {}
    Module(module)(Root);
    const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
    app = await NestFactory.create(Root, adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  }
  afterEach(async () => {
    await app?.close();
  });

  it('problem documents answer every error, and reveal nothing of an unexpected one', async () => {
    const said: unknown[] = [];
    const note = (fields: object): number => said.push(fields);
    const logger = { debug: note, warn: note, error: note };
    const url = await serve({ imports: [ProblemsModule.forRoot({ logger })], controllers: [Orders] });
    const ask = async (path: string) => {
      const answer = await fetch(`${url}${path}`, { headers: { 'x-request-id': 'r-1' } });
      const body: unknown = await answer.json();
      return [answer.status, answer.headers.get('content-type')?.split(';')[0], body];
    };
    const document = (status: number, code: string, detail: unknown, more: object = {}) => [
      status,
      'application/problem+json',
      expect.objectContaining({ status, code, detail, request_id: 'r-1', ...more }),
    ];
    expect(await ask('/orders/sent')).toEqual(
      document(409, 'ORDER_SENT', 'The order has already been sent.', { order: '7' }),
    );
    expect(await ask('/orders/none')).toEqual(document(404, 'HTTP_404', 'No such order.'));
    expect(await ask('/nowhere')).toEqual(document(404, 'ROUTE_UNKNOWN', 'There is no such route.'));
    expect(await ask('/orders/broken')).toEqual(document(500, 'INTERNAL', expect.not.stringContaining('secret')));
    expect(said).toEqual([expect.objectContaining({ err: expect.any(Error), request_id: 'r-1' })]);
  });

  it("the trace has the route's pattern, and continues the caller's", async () => {
    const url = await serve({ controllers: [Orders] });
    const traceId = 'a'.repeat(32);
    const headers = { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` };
    const answer = await fetch(`${url}/orders/7/trace`, { headers });
    expect(await answer.json()).toMatchObject({
      method: 'GET',
      route: '/orders/:id/trace',
      traceId,
      peer: '127.0.0.1',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('health says why tokens cannot be verified, beside the guard', async () => {
    const settings = { issuer: issuer.issuer, audience: 'orders' };
    const unreachable = (): Promise<never> =>
      Promise.reject(new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND keycloak.internal') }));
    let fetchKeys: typeof globalThis.fetch = unreachable;
    const auth = AuthModule.forRoot({ ...settings, cooldownSeconds: 0, fetch: (...asked) => fetchKeys(...asked) });
    const url = await serve({ imports: [auth, HealthModule.forRoot()] });
    const ready = async () => {
      const answer = await fetch(`${url}/health/ready`);
      return [answer.status, await answer.json()];
    };
    const missing = expect.stringMatching(/not loaded yet: .*ENOTFOUND keycloak\.internal/);
    expect(await ready()).toEqual([503, { status: 'not_ready', checks: { issuer_keys: missing }, notes: {} }]);
    fetchKeys = issuer.fetch;
    await app?.get<TokenVerifier>(TOKEN_VERIFIER).loadKeys();
    expect(await ready()).toEqual([200, { status: 'ready', checks: { issuer_keys: 'ok' }, notes: {} }]);
  });

  it('health notes why the keys cannot be kept in their file, where there is one', async () => {
    const reported: KeysReport[] = [];
    const auth = AuthModule.forRoot({
      issuer: issuer.issuer,
      audience: 'orders',
      fetch: issuer.fetch,
      keysFile: '/no/such/folder/keys.json',
      onKeysFile: (report) => reported.push(report),
    });
    const url = await serve({ imports: [auth, HealthModule.forRoot()] });
    const keepError = expect.stringContaining('ENOENT');
    expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({
      status: 'ready',
      checks: { issuer_keys: 'ok' },
      notes: { issuer_keys: { keepError } },
    });
    expect(reported).toEqual([{ issuer: issuer.issuer, ok: false, message: keepError }]);
  });

  it('health says which part is not ready, and why', async () => {
    let broken = false;
    const check = (): Promise<void> => (broken ? Promise.reject(new Error('no connection')) : Promise.resolve());
    const url = await serve({ imports: [HealthModule.forRoot({ checks: { database: check } })] });
    const ask = async (path: string) => {
      const answer = await fetch(`${url}${path}`);
      return [answer.status, await answer.json()];
    };
    expect(await ask('/health/live')).toEqual([200, { status: 'live' }]);
    expect(await ask('/health/ready')).toEqual([200, { status: 'ready', checks: { database: 'ok' }, notes: {} }]);
    broken = true;
    expect(await ask('/health/ready')).toEqual([
      503,
      { status: 'not_ready', checks: { database: 'no connection' }, notes: {} },
    ]);
  });

  describe('with PostgreSQL', () => {
    it('refusals are in the trail before they are answered, and a network that has too many gets 429', async () => {
      await pool.query('truncate audit_outbox, audit_outbox_group');
      const outbox = new AuditOutbox({ pool, source: 'orders' });
      const url = await serve({
        controllers: [Guarded],
        imports: [
          AuthModule.forRootAsync({
            imports: [RefusalTrailModule.forRoot({ service: 'orders', outbox, limitPerMinute: 3 })],
            inject: [Refusals],
            useFactory: (refusals: Refusals) => ({
              issuer: issuer.issuer,
              audience: 'orders',
              fetch: issuer.fetch,
              onRefused: (refusal: Refusal, context: ExecutionContext) => refusals.record(refusal, context),
            }),
          }),
        ],
      });
      const token = await issuer.mint({ subject: 'ada', scopes: [] });
      const authorization = `Bearer ${token}`;
      expect((await fetch(`${url}/guarded/1`, { headers: { authorization } })).status).toBe(403);
      const statuses: number[] = [];
      for (let time = 0; time < 5; time += 1) statuses.push((await fetch(`${url}/guarded/${String(time)}`)).status);
      expect(statuses).toEqual([401, 401, 401, 429, 429]);
      const { rows } = await pool.query(
        `select event->>'type' as type, event->>'subject' as subject, event->'data'->>'reason' as reason,
                event->'data'->'principal'->>'subject' as caller from audit_outbox_event order by position`,
      );
      expect(rows).toEqual([
        {
          type: 'countersign.orders.request.refused.v1',
          subject: 'route/GET /guarded/:id',
          reason: 'SCOPE_MISSING',
          caller: 'ada',
        },
        {
          type: 'countersign.orders.requests.refused.v1',
          subject: 'route/GET /guarded/:id',
          reason: 'TOKEN_MISSING',
          caller: null,
        },
      ]);
    }, 60_000);

    it('a DPoP proof works once, by the table of the SQL file', async () => {
      const store = new PostgresDpopReplayStore(pool);
      const id = platform.padStart(43, 'x');
      const soon = Date.now() / 1_000 + 60;
      expect([await store.useOnce(id, soon), await store.useOnce(id, soon)]).toEqual([true, false]);
    });
  });
});

describe('each part', () => {
  const loaded = (part: string): readonly string[] => {
    const program = `import { registerHooks } from 'node:module';
      const seen = new Set();
      registerHooks({ load(url, context, next) { seen.add(url); return next(url, context); } });
      await import('@countersign/service-host/${part}');
      console.log(JSON.stringify([...seen]));`;
    const out = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: packages,
      encoding: 'utf8',
    });
    return out.match(/node_modules\/(?:@[^/]+\/)?[^/]+/g) ?? [];
  };
  const whole = [
    '@nestjs/platform-fastify',
    '@nestjs/swagger',
    'drizzle-orm',
    'fastify',
    'passport',
    'pino',
    'prom-client',
  ];

  it.each(['problems', 'trace', 'health', 'refusals', 'dpop'])('%s loads nothing of the rest', (part) => {
    const packagesOf = new Set(loaded(part).map((path) => path.slice('node_modules/'.length)));
    const unneeded = part === 'refusals' ? whole.filter((name) => name !== 'drizzle-orm') : whole;
    expect(unneeded.filter((name) => packagesOf.has(name))).toEqual([]);
  });

  it('is a path of the package, in both module systems, and its SQL is that of the migrations', () => {
    const statements = (text: string): string =>
      text
        .replaceAll(/--.*$/gm, '')
        .replaceAll(/ if not exists/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim();
    expect(statements(fileOf('dpop-proofs.sql'))).toBe(statements(fileOf('migrations/0000_dpop_proofs.sql')));
  });
});
