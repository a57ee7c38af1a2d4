import { setImmediate as turn } from 'node:timers/promises';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  generateSigningKey,
  makeApiKey,
  MemoryRevocationList,
  type ApiKeys,
  type ApiKeyUsageReport,
} from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { API_KEYS } from './api-keys.js';
import { AuthModule } from './auth.module.js';
import { AllowApiKey, Authorize, RequireScopes } from './decorators.js';
import { FLOOD_GATE, VAIN_LIMIT, type FloodGate } from './flood-gate.js';
import { PROMPT_REFUSALS } from './flooding-keys.js';
import { HELD_MS } from './held-answers.js';
import { type Policy } from './policy.js';
import { type Refusal } from './refusal.js';
import { exchangedKey } from './testing/exchanged-key.js';
import { startGuarded } from './testing/guarded-app.js';

let asked = 0;
const countsAsks: Policy = () => {
  asked += 1;
  return true;
};

@Controller('catalogue')
class CatalogueController {
  @Get()
  @AllowApiKey()
  @RequireScopes('catalogue:read')
  list(): object {
    return {};
  }

  @Post()
  @AllowApiKey('write')
  @Authorize(countsAsks)
  add(@Body() body: object): object {
    return body;
  }

  @Get('closed')
  @AllowApiKey()
  @RequireScopes('catalogue:write')
  closed(): object {
    return {};
  }

  @Get('without-keys')
  @RequireScopes('catalogue:read')
  withoutKeys(): object {
    return {};
  }
}

/** So many that more than the prompt ones fall into one second also on a busy machine. */
const FLOOD = 6 * PROMPT_REFUSALS;

/** So many that no test waits for the next, and so few that they are quickly spent. */
const limits = { '*': { per_day: 3 } };
const names = ['flood', 'writer', 'denied', 'unwelcome', 'revoked', 'slow', 'last'] as const;
const ids = Object.fromEntries(names.map((name, n) => [name, `01a21031-6897-71c1-8114-42669a3f061${String(n)}`]));
const keys = Object.fromEntries(names.map((name) => [name, makeApiKey('test', ids[name] ?? '')]));
const polite = makeApiKey('test', '01a21031-6897-71c1-8114-42669a3f0620');

describe('a key beyond its limit', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  let beyondHooks = 0;
  let waitingAtClose: number | undefined;
  const refusals: { readonly refusal: Refusal; readonly handler: string; readonly url: unknown }[] = [];
  const reports: ApiKeyUsageReport[] = [];
  const revocations = new MemoryRevocationList();

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'catalogue' });
    const clientKey = await generateSigningKey();
    const prepare = (made: NestFastifyApplication) =>
      made
        .getHttpAdapter()
        .getInstance()
        .addHook('preParsing', (_request, _reply, _payload, done) => {
          beyondHooks += 1;
          done();
        })
        .addHook('preClose', (done) => {
          waitingAtClose = gate().waiting;
          done();
        });
    app = await startGuarded(
      {
        issuer: issuer.issuer,
        audience: 'catalogue',
        fetch: issuer.fetch,
        revocations,
        problemMembers: () => ({ request_id: 'r1' }),
        onRefused: (refusal, context) => {
          const { url } = context.switchToHttp().getRequest<{ readonly url: unknown }>();
          refusals.push({ refusal, url, handler: `${context.getClass().name}.${context.getHandler().name}` });
          return Promise.resolve();
        },
        apiKeys: {
          clientKey,
          onUsage: (report) => {
            reports.push(report);
            return Promise.resolve();
          },
          exchange: async (key) => {
            const name = names.find((one) => keys[one] === key);
            const claim =
              name === undefined
                ? { id: '01a21031-6897-71c1-8114-42669a3f0620', name: 'polite' }
                : { id: ids[name], name, limits };
            return exchangedKey(issuer.mint, claim);
          },
        },
      },
      [CatalogueController],
      { prepare },
    );
  });
  const gate = (): FloodGate => app.get<FloodGate>(FLOOD_GATE);
  afterAll(() => app.close());

  const ask = async (name: (typeof names)[number], url = '/catalogue', body?: string) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'x-api-key': keys[name], 'content-type': 'application/json' };
    const answer = await app.inject({ method, url, headers, ...(body === undefined ? {} : { body }) });
    return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, unknown>>() };
  };
  async function spend(name: (typeof names)[number], ...request: [url?: string, body?: string]) {
    for (let n = 0; n < 3; n += 1) await ask(name, ...request);
  }

  it('is refused as by the guard, before its body is read and Nest is called', async () => {
    await spend('flood');
    const byGuard = await ask('flood');
    const before = beyondHooks;
    const byGate = await ask('flood');
    expect(beyondHooks).toBe(before);
    const { request_id: added, ...body } = byGate.body;
    expect([byGuard.status, byGate.status, added]).toEqual([429, 429, 'r1']);
    expect(body).toEqual(byGuard.body);
    expect(body['code']).toBe('QUOTA_EXHAUSTED');
    for (const name of ['content-type', 'ratelimit-policy'])
      expect([name, byGate.headers[name]]).toEqual([name, byGuard.headers[name]]);
    expect(byGate.headers['ratelimit']).toMatch(/^"default-day";r=0;t=\d+$/);
    expect(Number(byGate.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('reaches no policy, and its body is not parsed', async () => {
    await spend('writer', '/catalogue', '{}');
    await ask('writer', '/catalogue', '{}');
    const before = [beyondHooks, asked];
    expect((await ask('writer', '/catalogue', '{"half":')).status).toBe(429);
    expect([beyondHooks, asked]).toEqual(before);
  });

  it('is reported to listeners and counted each time, as if the guard had refused it', async () => {
    await app.get<ApiKeys>(API_KEYS).flush();
    const before = { refusals: refusals.length, reports: reports.length };
    for (let n = 0; n < 5; n += 1) await ask('flood', '/catalogue?page=1');
    const reported = refusals.slice(before.refusals);
    expect(reported).toHaveLength(5);
    expect(reported[4]).toMatchObject({
      refusal: { code: 'QUOTA_EXHAUSTED', status: 429, principal: { apiKey: { id: ids['flood'] } } },
      handler: 'CatalogueController.list',
      url: '/catalogue?page=1',
    });
    await app.get<ApiKeys>(API_KEYS).flush();
    const uses = reports.slice(before.reports).flatMap((report) => report.uses);
    for (const use of uses) expect(use).toMatchObject({ api_key_id: ids['flood'], outcome: 'limited' });
    expect(uses.reduce((sum, { count }) => sum + count, 0)).toBe(5);
  });

  it('is also spent by requests that were refused for another reason', async () => {
    const statuses = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await ask('denied', '/catalogue/closed')).status);
    expect(statuses).toEqual([403, 403, 403, 429, 429]);
    const elsewhere = [];
    for (let n = 0; n < 5; n += 1) elsewhere.push((await ask('unwelcome', '/catalogue/without-keys')).body['code']);
    expect(elsewhere.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'API_KEY_NOT_ALLOWED'));
    expect(elsewhere.slice(3)).toEqual(['QUOTA_EXHAUSTED', 'QUOTA_EXHAUSTED']);
  });

  it('is refused for its revocation, not for its limit, once it is revoked', async () => {
    await spend('revoked');
    expect((await ask('revoked')).status).toBe(429);
    expect((await ask('revoked')).status).toBe(429);
    revocations.add({
      kind: 'api-key',
      apiKeyId: ids['revoked'] ?? '',
      issuedBefore: Date.now() / 1_000 + 5,
      until: Infinity,
    });
    expect((await ask('revoked')).body['code']).toBe('TOKEN_REVOKED');
  });

  it('is answered after callers who may pass, even if it came before them', async () => {
    await spend('last');
    await ask('last');
    await app.inject({ method: 'GET', url: '/catalogue', headers: { 'x-api-key': polite } });
    const order: string[] = [];
    const asks = [keys['last'], keys['last'], keys['last'], polite].map(async (key = '') => {
      const { statusCode } = await app.inject({ method: 'GET', url: '/catalogue', headers: { 'x-api-key': key } });
      order.push(String(statusCode));
    });
    await Promise.all(asks);
    expect(order).toEqual(['200', '429', '429', '429']);
  });

  it('waits for its refusals if it keeps sending, while another key is answered immediately', async () => {
    await spend('slow');
    await ask('slow');
    const order: string[] = [];
    const startedAt = performance.now();
    const flood = Array.from({ length: PROMPT_REFUSALS + 20 }, async () => {
      order.push(String((await ask('slow')).status));
    });
    const other = app.inject({ method: 'GET', url: '/catalogue', headers: { 'x-api-key': polite } }).then((answer) => {
      order.push(`${String(answer.statusCode)} of the other`);
    });
    await Promise.all([...flood, other]);
    expect(performance.now() - startedAt).toBeGreaterThan(HELD_MS - 10);
    expect(order.slice(0, PROMPT_REFUSALS + 1)).toContain('200 of the other');
    expect(order.filter((status) => status === '429')).toHaveLength(PROMPT_REFUSALS + 20);
  });

  it('is refused by the guard again after many requests within their limits', async () => {
    const isBeyondGate = async () => {
      const before = beyondHooks;
      expect((await ask('flood')).status).toBe(429);
      return beyondHooks > before;
    };
    expect(await isBeyondGate()).toBe(false);
    for (let n = 0; n < VAIN_LIMIT - 1; n += 1) await app.inject({ method: 'GET', url: '/nowhere' });
    expect(await isBeyondGate()).toBe(false);
    for (let n = 0; n < VAIN_LIMIT; n += 1) await app.inject({ method: 'GET', url: '/nowhere' });
    expect(await isBeyondGate()).toBe(true);
    expect(await isBeyondGate()).toBe(false);
  });

  it('is answered before the server is closed', async () => {
    const flood = Array.from({ length: FLOOD }, () => ask('slow'));
    while (gate().waiting === 0) await turn();
    await app.close();
    expect(waitingAtClose).toBe(0);
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([429]));
  });
});

describe('a key beyond its limit on Express', () => {
  it('waits for its refusals if it keeps sending, each reported immediately, and another key is answered', async () => {
    const issuer = await createTestIssuer({ audience: 'catalogue' });
    const reported: string[] = [];
    let most = 0;
    const clientKey = await generateSigningKey();
    @Module({
      imports: [
        AuthModule.forRoot({
          issuer: issuer.issuer,
          audience: 'catalogue',
          fetch: issuer.fetch,
          onRefused: ({ code }) => {
            reported.push(code);
            most = Math.max(most, gate.waiting);
            return Promise.resolve();
          },
          apiKeys: {
            clientKey,
            onUsage: () => Promise.resolve(),
            exchange: (key) => {
              const id = key === polite ? '01a21031-6897-71c1-8114-42669a3f0620' : ids['slow'];
              return exchangedKey(issuer.mint, { id, name: 'one', ...(key === polite ? {} : { limits }) });
            },
          },
        }),
      ],
      controllers: [CatalogueController],
    })
    class CatalogueModule {}
    const app = await NestFactory.create(CatalogueModule, new ExpressAdapter(), { logger: false });
    const gate = app.get<FloodGate>(FLOOD_GATE);
    await app.listen(0, '127.0.0.1');
    try {
      const url = `${await app.getUrl()}/catalogue`;
      const ask = async (key = ''): Promise<number> => (await fetch(url, { headers: { 'x-api-key': key } })).status;
      for (let n = 0; n < 3; n += 1) await ask(keys['slow']);
      await ask(polite);
      const flood = Array.from({ length: FLOOD }, () => ask(keys['slow']));
      expect(await ask(polite)).toBe(200);
      expect(new Set(await Promise.all(flood))).toEqual(new Set([429]));
      expect(most).toBeGreaterThan(20);
      expect(gate.waiting).toBe(0);
      expect(reported).toEqual(Array.from({ length: FLOOD }, () => 'QUOTA_EXHAUSTED'));
    } finally {
      await app.close();
    }
  });
});
