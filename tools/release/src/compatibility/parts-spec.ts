import { headOf, type Runner } from './orders-spec.js';

/**
 * The spec of service-host's parts that every project runs, on Express and on Fastify, with the PostgreSQL at `DATABASE_URL`.
 * @param globals whether the test functions are global
 */
export function partsSpec(runner: Runner, globals: boolean): string {
  return `import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
${globals ? '' : headOf(runner)}import { Controller, Get, Module, NotFoundException, type ExecutionContext, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuditOutbox } from '@countersign/audit-client';
import { AuthModule, Public, RequireScopes, type Refusal } from '@countersign/auth';
import { createTestIssuer } from '@countersign/test-kit';
import { PostgresDpopReplayStore } from '@countersign/service-host/dpop';
import { HealthModule } from '@countersign/service-host/health';
import { Problem, ProblemsModule } from '@countersign/service-host/problems';
import { Refusals, RefusalTrailModule } from '@countersign/service-host/refusals';
import { Trace, type RequestTrace } from '@countersign/service-host/trace';
import { Pool } from 'pg';

// By text: in Jest an answer's objects are of another realm.
const same = (found: unknown, expected: unknown): void => assert.equal(JSON.stringify(found), JSON.stringify(expected));
const locate = createRequire(join(process.cwd(), 'package.json'));
const sql = (name: string): string => readFileSync(locate.resolve(name), 'utf8');

@Public()
@Controller('orders')
class OrdersController {
  @Get('sent')
  sent(): void {
    throw new Problem(409, 'ORDER_SENT', 'The order has already been sent.');
  }

  @Get('none')
  none(): void {
    throw new NotFoundException('No such order.');
  }

  @Get('broken')
  broken(): void {
    throw new Error('a secret');
  }

  @Get(':id/trace')
  trace(@Trace() trace: RequestTrace): RequestTrace {
    return trace;
  }
}

@Controller('guarded')
class GuardedController {
  @Get(':id')
  @RequireScopes('orders:read')
  read(): object {
    return {};
  }
}

async function works(app: INestApplication, pool: Pool, names: { current: string }): Promise<void> {
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<[number, string | undefined, any]> => {
    const answer = await fetch(url + path, { headers: { 'x-request-id': 'r-1', ...headers } });
    return [answer.status, answer.headers.get('content-type')?.split(';')[0], await answer.json()];
  };
  for (const [path, status, code] of [['sent', 409, 'ORDER_SENT'], ['none', 404, 'HTTP_404'], ['broken', 500, 'INTERNAL'], ['', 404, 'ROUTE_UNKNOWN']] as const) {
    const [found, type, problem] = await ask('/orders/' + path);
    same([path, found, type, problem.code, problem.request_id], [path, status, 'application/problem+json', code, 'r-1']);
    assert.ok(!JSON.stringify(problem).includes('secret'));
  }
  const traceId = 'a'.repeat(32);
  const [, , trace] = await ask('/orders/7/trace', { traceparent: '00-' + traceId + '-' + 'b'.repeat(16) + '-01' });
  same([trace.route, trace.traceId, trace.peer, trace.requestId], ['/orders/:id/trace', traceId, '127.0.0.1', 'r-1']);
  same((await ask('/health/live'))[2], { status: 'live' });
  same((await ask('/health/ready'))[0], 503);
  names.current = 'ready';
  same(await ask('/health/ready'), [200, 'application/json', { status: 'ready', checks: { database: 'ok', issuer_keys: 'ok' }, notes: {} }]);
  same([(await ask('/guarded/1'))[2].code, (await ask('/guarded/1'))[0]], ['TOKEN_MISSING', 429]);
  const { rows } = await pool.query("select event->>'type' as type, event->'data'->>'reason' as reason from audit_outbox_event");
  same(rows, [{ type: 'countersign.orders.requests.refused.v1', reason: 'TOKEN_MISSING' }]);
  const store = new PostgresDpopReplayStore(pool);
  const soon = Date.now() / 1_000 + 60;
  const proof = String(soon).padStart(43, 'x');
  same([await store.useOnce(proof, soon), await store.useOnce(proof, soon)], [true, false]);
}

describe('the parts of service-host', () => {
  for (const platform of ['Express', 'Fastify']) {
    it('work in a plain application on ' + platform, async () => {
      const pool = new Pool({ connectionString: process.env['DATABASE_URL'] });
      await pool.query(sql('@countersign/audit-client/outbox.sql'));
      await pool.query(sql('@countersign/service-host/dpop-proofs.sql'));
      await pool.query('truncate audit_outbox, audit_outbox_group');
      const issuer = await createTestIssuer({ audience: 'orders' });
      const outbox = new AuditOutbox({ pool, source: 'orders' });
      const names = { current: '' };
      class Root {}
      Module({
        controllers: [OrdersController, GuardedController],
        imports: [
          AuthModule.forRootAsync({
            imports: [RefusalTrailModule.forRoot({ service: 'orders', outbox, limitPerMinute: 1 })],
            inject: [Refusals],
            useFactory: (refusals: Refusals) => ({
              issuer: issuer.issuer,
              audience: 'orders',
              fetch: issuer.fetch,
              onRefused: (refusal: Refusal, context: ExecutionContext) => refusals.record(refusal, context),
            }),
          }),
          ProblemsModule.forRoot({ logger: { debug: () => 0, warn: () => 0, error: () => 0 } }),
          HealthModule.forRoot({ checks: { database: () => (names.current === 'ready' ? pool.query('select 1').then(() => undefined) : Promise.reject(new Error('not yet'))) } }),
        ],
      })(Root);
      const adapter: any = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter();
      const app = await NestFactory.create(Root, adapter, { logger: false });
      try {
        await works(app, pool, names);
      } finally {
        await app.close();
        await pool.end();
      }
    }${runner === 'node:test' ? '' : ', 60_000'});
  }
});
`;
}
