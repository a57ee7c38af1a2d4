import { Controller, Get } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  generateSigningKey,
  makeApiKey,
  MemoryRevocationList,
  requirePerson,
  TokenRequestError,
  type ApiKeys,
  type ApiKeyUsageReport,
  type Principal,
} from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { API_KEYS } from './api-keys.js';
import {
  ActingFor,
  AllowApiKey,
  Authorize,
  BearerToken,
  CurrentPrincipal,
  RequirePerson,
  RequireScopes,
  type Delegation,
} from './decorators.js';
import { type Policy } from './policy.js';
import { type Refusal } from './refusal.js';
import { RouteReport } from './route-report.service.js';
import { exchangedKey } from './testing/exchanged-key.js';
import { startGuarded } from './testing/guarded-app.js';

const ofAPerson: Policy = (caller) => {
  requirePerson(caller);
  return true;
};

@Controller('catalogue')
class CatalogueController {
  @Get()
  @AllowApiKey()
  @RequireScopes('catalogue:read')
  list(@CurrentPrincipal() caller: Principal, @BearerToken() token: string): object {
    return { kind: caller.kind, key: caller.apiKey?.name, token };
  }

  @Get('search')
  @AllowApiKey('search')
  @RequireScopes('catalogue:read')
  search(): object {
    return {};
  }

  @Get('prices')
  @RequireScopes('catalogue:read')
  prices(): object {
    return {};
  }

  @Get('orders')
  @AllowApiKey()
  @RequirePerson()
  orders(): object {
    return {};
  }

  @Get('favourites')
  @AllowApiKey()
  @Authorize(ofAPerson)
  favourites(): object {
    return {};
  }

  @Get('basket')
  @AllowApiKey()
  @RequireScopes('catalogue:read')
  basket(@ActingFor() delegation: Delegation | undefined): object {
    return { subject: delegation?.subject };
  }

  @Get('stock')
  @AllowApiKey()
  @RequireScopes('catalogue:write')
  stock(): object {
    return {};
  }
}

const ids = [1, 2, 3, 4].map((n) => `01a21031-6897-71c1-8114-42669a3f060${String(n)}`);
const [plain = '', local = '', small = '', other = ''] = ids.map((id) => makeApiKey('test', id));
const claims: Readonly<Record<string, object>> = {
  [plain]: { id: ids[0], name: 'plain' },
  [local]: { id: ids[1], name: 'local', networks: ['192.0.2.0/24'] },
  [small]: { id: ids[2], name: 'small', limits: { search: { per_minute: 60, burst: 3 }, '*': { per_day: 2 } } },
};

describe('a service that accepts API keys', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  let exchanges = 0;
  let away = false;
  const reports: ApiKeyUsageReport[] = [];
  const exposed: string[] = [];
  const refusals: Refusal[] = [];
  const revocations = new MemoryRevocationList();

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'catalogue' });
    const clientKey = await generateSigningKey();
    app = await startGuarded(
      {
        issuer: issuer.issuer,
        audience: 'catalogue',
        resource: 'https://catalogue.test',
        fetch: issuer.fetch,
        revocations,
        onRefused: (refusal) => {
          refusals.push(refusal);
          return Promise.resolve();
        },
        apiKeys: {
          clientKey,
          unknownPerMinute: 5,
          onUsage: (report) => {
            reports.push(report);
            return Promise.resolve();
          },
          onExposed: (key) => {
            exposed.push(key);
            return Promise.resolve();
          },
          exchange: async (key) => {
            exchanges += 1;
            if (away) throw new TokenRequestError('NETWORK', 'the issuer is unavailable', undefined, true);
            const claim = claims[key];
            if (claim === undefined) throw new TokenRequestError('invalid_grant', 'no', 400, false);
            return exchangedKey(issuer.mint, claim);
          },
        },
      },
      [CatalogueController],
    );
  });
  afterAll(() => app.close());

  const ask = async (url: string, headers: Record<string, string> = {}, remoteAddress = '198.51.100.7') => {
    const answer = await app.inject({ method: 'GET', url, headers, remoteAddress });
    return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, unknown>>() };
  };
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const codeOf = async (...request: Parameters<typeof ask>) => {
    const { status, body } = await ask(...request);
    return [status, body['code']];
  };

  it('identifies the application by either header, and asks the issuer once', async () => {
    const before = exchanges;
    for (const headers of [bearer(plain), { 'x-api-key': plain }, bearer(plain)]) {
      const { status, body } = await ask('/catalogue', headers);
      expect([status, body['kind'], body['key']]).toEqual([200, 'application', 'plain']);
    }
    expect(exchanges - before).toBe(1);
    const bare = await ask('/catalogue', { authorization: plain });
    const dressed = await ask('/catalogue', { 'x-api-key': `Bearer ${plain}` });
    expect([bare.status, dressed.status]).toEqual([401, 401]);
  });

  it('gives a handler the exchanged token, never the key', async () => {
    const { body } = await ask('/catalogue', { 'x-api-key': plain });
    expect(body['token']).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('asks once for many concurrent requests', async () => {
    const before = exchanges;
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/catalogue/search', bearer(small))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(exchanges - before).toBe(1);
  });

  it('refuses a key in a URL, and marks it as exposed', async () => {
    for (const url of [`/catalogue?api_key=${plain}`, `/catalogue/search?x=1&key=${plain}&y=2`]) {
      expect(await codeOf(url)).toEqual([400, 'API_KEY_IN_URL']);
      expect(await codeOf(url, bearer(plain))).toEqual([400, 'API_KEY_IN_URL']);
    }
    expect(exposed).toEqual([plain]);
    expect(refusals.at(-1)).toMatchObject({ code: 'API_KEY_IN_URL', status: 400 });
    expect(JSON.stringify(refusals)).not.toContain(plain.slice(-49));
  });

  it('refuses a key on a route that does not accept keys, and for a scope that it lacks', async () => {
    expect(await codeOf('/catalogue/prices', bearer(plain))).toEqual([403, 'API_KEY_NOT_ALLOWED']);
    expect(await codeOf('/catalogue/stock', bearer(plain))).toEqual([403, 'SCOPE_MISSING']);
    const stolen = await issuer.mint({
      scopes: ['catalogue:read'],
      claims: { kind: 'application', api_key: claims[plain] },
    });
    expect(await codeOf('/catalogue/prices', bearer(stolen))).toEqual([403, 'API_KEY_NOT_ALLOWED']);
    const through = await issuer.mint({
      scopes: ['catalogue:read'],
      claims: { kind: 'application', api_key: claims[plain], act: { sub: 'shopfront' } },
    });
    expect((await ask('/catalogue/prices', bearer(through))).status).toBe(200);
  });

  it('refuses a key if a person is required, by decorator, policy or delegation, and says why', async () => {
    for (const url of ['/catalogue/orders', '/catalogue/favourites', '/catalogue/basket']) {
      for (const time of ['first', 'repeated']) {
        const { status, body } = await ask(url, bearer(plain));
        expect([url, time, status, body['code'], body['detail']]).toEqual([
          ...[url, time, 403, 'PERSON_REQUIRED'],
          'only a person may do this, directly or through an application; an API key is an application (kind: application), never a person: send an access token that was issued to a person who signed in.',
        ]);
      }
    }
    expect(refusals.at(-1)).toMatchObject({ code: 'PERSON_REQUIRED', principal: { apiKey: { id: ids[0] } } });
    const act = { sub: 'shopfront' };
    const forPerson = await issuer.mint({ kind: 'person', scopes: ['catalogue:read'], claims: { act } });
    for (const url of ['/catalogue/orders', '/catalogue/favourites', '/catalogue/basket'])
      expect((await ask(url, bearer(forPerson))).status).toBe(200);
    const forKey = await issuer.mint({
      scopes: ['catalogue:read'],
      claims: { kind: 'application', api_key: claims[plain], act },
    });
    expect((await ask('/catalogue/basket', bearer(forKey))).body['subject']).toBeDefined();
  });

  it('refuses a key outside its networks, first seen and repeated', async () => {
    expect(await codeOf('/catalogue', bearer(local))).toEqual([403, 'API_KEY_NETWORK']);
    for (const address of ['192.0.2.9', '::ffff:192.0.2.10']) {
      expect((await ask('/catalogue', bearer(local), address)).status).toBe(200);
    }
    expect(await codeOf('/catalogue', bearer(local), '2001:db8::1')).toEqual([403, 'API_KEY_NETWORK']);
  });

  it('reports the limit to the caller, and when to retry', async () => {
    const { status, headers, body } = await ask('/catalogue/search', bearer(small));
    expect([status, body['code'], Number(headers['retry-after']) >= 1]).toEqual([429, 'RATE_LIMITED', true]);
    expect(headers['ratelimit-policy']).toBe('"search";q=3;w=3');
    expect(headers['ratelimit']).toMatch(/^"search";r=0;t=\d+$/);
    const statuses: unknown[] = [];
    for (let n = 0; n < 3; n += 1) statuses.push(await codeOf('/catalogue', bearer(small)));
    expect(statuses).toEqual([
      [200, undefined],
      [200, undefined],
      [429, 'QUOTA_EXHAUSTED'],
    ]);
    expect((await ask('/catalogue', bearer(plain))).headers['ratelimit']).toBeUndefined();
  });

  it('does not ask about a mistyped key, and asks once about an unknown one', async () => {
    const before = exchanges;
    for (const text of ['csk_', 'csk_test_x', `${plain}x`, plain.slice(0, -1)]) {
      expect(await codeOf('/catalogue', bearer(text), '203.0.113.1')).toEqual([401, 'API_KEY_INVALID']);
    }
    expect(exchanges - before).toBe(0);
    for (let n = 0; n < 3; n += 1) {
      expect(await codeOf('/catalogue', bearer(other), '203.0.113.1')).toEqual([401, 'API_KEY_INVALID']);
    }
    expect(exchanges - before).toBe(1);
  });

  it('stops asking the issuer for a network that sends many unknown keys, and still serves known ones from there and elsewhere', async () => {
    const before = exchanges;
    const guesses: unknown[] = [];
    for (let n = 0; n < 10; n += 1)
      guesses.push((await codeOf('/catalogue', bearer(makeApiKey('test', ids[3] ?? '')), '203.0.113.99'))[1]);
    expect(exchanges - before).toBe(5);
    expect(guesses.at(-1)).toBe('API_KEYS_GUESSED');
    expect((await ask('/catalogue', bearer(plain), '203.0.113.99')).status).toBe(200);
  });

  it('keeps accepting known keys while the issuer is unavailable, and answers 503 for others', async () => {
    away = true;
    expect((await ask('/catalogue', bearer(plain))).status).toBe(200);
    expect(await codeOf('/catalogue', bearer(other), '203.0.113.77')).toEqual([401, 'API_KEY_INVALID']);
    const unseen = makeApiKey('test', ids[0] ?? '');
    expect(await codeOf('/catalogue', bearer(unseen), '203.0.113.77')).toEqual([503, 'API_KEYS_UNAVAILABLE']);
    away = false;
  });

  it('counts each request by outcome, and reports it', async () => {
    reports.length = 0;
    await ask('/catalogue', bearer(plain));
    await ask('/catalogue/stock', bearer(plain));
    await ask('/catalogue/search', bearer(small));
    await app.get<ApiKeys>(API_KEYS).flush();
    const uses = reports.flatMap((report) => report.uses);
    const countOf = (id: string | undefined, outcome: string) =>
      uses.filter((use) => use.api_key_id === id && use.outcome === outcome).reduce((sum, { count }) => sum + count, 0);
    expect(countOf(ids[0], 'allowed')).toBeGreaterThanOrEqual(1);
    expect(countOf(ids[0], 'denied')).toBeGreaterThanOrEqual(1);
    expect(countOf(ids[2], 'limited') + countOf(ids[2], 'allowed')).toBeGreaterThanOrEqual(1);
  });

  it('refuses a key immediately when the feed reports it revoked, even while the issuer is unavailable', async () => {
    expect((await ask('/catalogue', bearer(plain))).status).toBe(200);
    revocations.add({ kind: 'api-key', apiKeyId: ids[0] ?? '', issuedBefore: Date.now() / 1_000 + 5, until: Infinity });
    away = true;
    expect(await codeOf('/catalogue', bearer(plain))).toEqual([401, 'TOKEN_REVOKED']);
    away = false;
  });

  it('appears in the route report and the metadata', async () => {
    const lines = app.get(RouteReport).lines();
    expect(lines.find((line) => line.includes('/search'))).toMatch(/catalogue:read, API keys \(search\)/);
    const { body } = await ask('/.well-known/oauth-protected-resource');
    expect(body['api_keys_supported']).toBe(true);
  });

  it('does not start if a route accepts keys and the application does not', async () => {
    const settings = { issuer: issuer.issuer, audience: 'catalogue', fetch: issuer.fetch };
    const created: NestFastifyApplication[] = [];
    const prepare = (application: NestFastifyApplication) => created.push(application);
    await expect(startGuarded(settings, [CatalogueController], { prepare })).rejects.toThrow('@AllowApiKey()');
    await created[0]?.close();
  });
});
