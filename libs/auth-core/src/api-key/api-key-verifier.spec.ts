import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '../index.js';
import { MemoryRevocationList } from '../revocation-list.js';
import { signJwt } from '../jws/sign.js';
import { TokenError } from '../token-error.js';
import { makeApiKey } from './api-key.js';
import { createApiKeyVerifier, type ApiKeyVerifier } from './api-key-verifier.js';
import { limitFields } from './limits/limit-fields.js';

const sentSchema = z.object({
  reports: z.array(z.object({ id: z.uuid(), uses: z.array(z.object({ outcome: z.string(), count: z.number() })) })),
});
type SentReports = z.infer<typeof sentSchema>['reports'];

const ISSUER = 'https://issuer.test';
const id = '01a21031-6897-71c1-8114-42669a3f0602';
const key = makeApiKey('live', id);
const other = makeApiKey('live', '01a21031-6897-71c1-8114-42669a3f0603');
const LIFE = 300;

describe('a verifier of API keys in plain Node', () => {
  let signing: PrivateJwk;
  let clientKey: PrivateJwk;
  let keys: ApiKeyVerifier;
  let revocations: MemoryRevocationList;
  const clock = { now: Date.UTC(2026, 10, 26, 12) };
  /** The part of the issuer that is called. */
  const issuer = {
    accepts: new Set<string>(),
    limits: {},
    isAway: false,
    /** Beyond the service's own limit there, whatever it brings. */
    isBusy: false,
    exchanges: [] as string[],
    reports: [] as SentReports,
    exposed: [] as string[],
    /** Awaited before an exchange is answered, after its answer has been decided. */
    onTheWay: (): Promise<void> => Promise.resolve(),
  };

  beforeAll(async () => {
    [signing, clientKey] = await Promise.all([generateSigningKey(), generateSigningKey()]);
  });
  beforeEach(async () => {
    Object.assign(issuer, {
      accepts: new Set([key]),
      limits: {},
      isAway: false,
      isBusy: false,
      exchanges: [],
      reports: [],
      exposed: [],
      onTheWay: () => Promise.resolve(),
    });
    revocations = new MemoryRevocationList();
    keys = await createApiKeyVerifier({
      issuer: ISSUER,
      audience: 'catalogue',
      clientKey,
      revocations,
      // As a setting that is not made: usage goes to the issuer.
      onUsage: undefined,
      now: () => clock.now,
      monotonic: () => clock.now,
      random: () => 0,
      fetch: answer,
    });
  });
  afterEach(async () => {
    issuer.isAway = false;
    // The clock of the pause after a failure.
    pass(60_000);
    await keys.close();
  });

  const pass = (ms: number): void => {
    clock.now += ms;
  };
  const tokenOf = (audience: string): string => {
    const iat = Math.floor(clock.now / 1_000);
    const jti = `token-${String(issuer.exchanges.length)}-${audience}`;
    const common = { iss: ISSUER, sub: 'shop', client_id: 'shop', aud: audience, iat, exp: iat + LIFE, jti };
    const claims = { ...common, scope: 'catalogue:read', kind: 'application' };
    const apiKey = {
      id,
      name: 'web shop',
      ...(Object.keys(issuer.limits).length === 0 ? {} : { limits: issuer.limits }),
    };
    return signJwt({ typ: 'at+jwt', kid: signing.kid }, { ...claims, api_key: apiKey }, signing);
  };
  async function answer(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (pathname.endsWith('jwks.json')) return Response.json({ keys: [publicJwkOf(signing)] });
    if (issuer.isAway) throw new TypeError('fetch failed');
    const sent = typeof init?.body === 'string' ? init.body : String(init?.body);
    if (pathname === '/api-keys/exposures') {
      issuer.exposed.push(z.object({ api_key: z.string() }).parse(JSON.parse(sent)).api_key);
      return new Response(null, { status: 204 });
    }
    if (pathname === '/api-keys/usage') {
      issuer.reports.push(...sentSchema.parse(JSON.parse(sent)).reports);
      return new Response(null, { status: 204 });
    }
    const form = new URLSearchParams(sent);
    const shown = form.get('subject_token');
    const isGood = shown === null || issuer.accepts.has(shown);
    if (shown !== null) {
      issuer.exchanges.push(shown);
      await issuer.onTheWay();
    }
    if (issuer.isBusy) return Response.json({ error: 'temporarily_unavailable' }, { status: 429 });
    if (!isGood) return Response.json({ error: 'invalid_grant' }, { status: 400 });
    const audience = form.get('audience') ?? '';
    const scope = shown === null ? 'api-keys:report' : 'catalogue:read';
    return Response.json({ access_token: tokenOf(audience), token_type: 'Bearer', expires_in: LIFE, scope });
  }
  const codeOf = async (
    text: string,
    ...request: [request?: { scopes?: string[]; address?: string; url?: string }]
  ) => {
    try {
      await keys.verify(text, ...request);
      return 'accepted';
    } catch (error) {
      if (error instanceof TokenError) return error.code;
      throw error;
    }
  };

  it('exchanges a key once, and knows whose it is from memory from then on', async () => {
    for (let n = 0; n < 5; n += 1) {
      const { principal } = await keys.verify(key, { address: '192.0.2.1', scopes: ['catalogue:read'] });
      expect([principal.kind, principal.subject, principal.apiKey?.id]).toEqual(['application', 'shop', id]);
    }
    expect(issuer.exchanges).toEqual([key]);
    expect(await codeOf(`${key}x`)).toBe('API_KEY_INVALID');
    expect(issuer.exchanges).toEqual([key]);
  });

  it('keeps accepting a known key while the issuer is unavailable, until its token expires', async () => {
    await keys.verify(key);
    issuer.isAway = true;
    pass((LIFE - 10) * 1_000);
    expect(await codeOf(key)).toBe('accepted');
    expect(await codeOf(other)).toBe('API_KEYS_UNAVAILABLE');
    pass(20_000);
    expect(await codeOf(key)).toBe('API_KEYS_UNAVAILABLE');
  });

  it("keeps accepting a known key while the issuer limits the service's requests, and calls no key invalid because of that", async () => {
    await keys.verify(key);
    issuer.accepts.add(other);
    issuer.isBusy = true;
    // The next token is due.
    pass(LIFE * 0.9 * 1_000);
    expect(await codeOf(key)).toBe('accepted');
    await turn();
    expect([await codeOf(key), await codeOf(other)]).toEqual(['accepted', 'API_KEYS_UNAVAILABLE']);
    expect(issuer.exchanges).toContain(other);
    issuer.isBusy = false;
    expect(await codeOf(other)).toBe('accepted');
  });

  it('requests the next token before the last one expires, without holding up requests', async () => {
    await keys.verify(key);
    pass(LIFE * 800 + 1);
    expect(await codeOf(key)).toBe('accepted');
    await turn();
    expect(issuer.exchanges).toEqual([key, key]);
  });

  it('remembers for ten seconds that the issuer rejected a key, and asks again immediately when the key changes', async () => {
    issuer.accepts.clear();
    expect([await codeOf(key), await codeOf(key), await codeOf(other)]).toEqual(
      Array.from({ length: 3 }, () => 'API_KEY_INVALID'),
    );
    expect(issuer.exchanges).toEqual([key, other]);
    issuer.accepts.add(key);
    const now = clock.now / 1_000;
    const heard = { kind: 'api-key', issuedBefore: now - 60, until: now + 900 } as const;
    revocations.add({ ...heard, apiKeyId: '01a21031-6897-71c1-8114-42669a3f0609' });
    expect(await codeOf(key)).toBe('API_KEY_INVALID');
    pass(1);
    revocations.add({ ...heard, apiKeyId: id });
    pass(1);
    expect([await codeOf(key), await codeOf(other)]).toEqual(['accepted', 'API_KEY_INVALID']);
    expect(issuer.exchanges).toEqual([key, other, key]);
    issuer.accepts.add(other);
    pass(10_000);
    expect(await codeOf(other)).toBe('accepted');
  });

  it('does not remember an answer from before the key changed', async () => {
    issuer.accepts.clear();
    let arrive = (): void => undefined;
    issuer.onTheWay = () =>
      new Promise((resolve) => {
        arrive = resolve;
      });
    const asked = codeOf(key);
    while (issuer.exchanges.length === 0) await turn();
    issuer.accepts.add(key);
    pass(1);
    const now = clock.now / 1_000;
    // There is no memory of it yet that could be forgotten.
    revocations.add({ kind: 'api-key', apiKeyId: id, issuedBefore: now - 60, until: now + 900 });
    pass(1);
    arrive();
    expect(await asked).toBe('API_KEY_INVALID');
    issuer.onTheWay = () => Promise.resolve();
    expect(await codeOf(key)).toBe('accepted');
  });

  it('refuses a request with keys in its URL, and marks each of them once, as soon as the issuer can be reached', async () => {
    expect(await codeOf(key, { url: '/items?name=csk_live' })).toBe('accepted');
    issuer.isAway = true;
    for (let times = 0; times < 3; times += 1)
      expect(await codeOf(key, { url: `/items/${key}?page=2&key=${other}` })).toBe('API_KEY_IN_URL');
    expect(issuer.exposed).toEqual([]);
    issuer.isAway = false;
    pass(60_000);
    // The timer of the reports, which is real.
    while (issuer.exposed.length < 2) await turn();
    expect([...issuer.exposed].sort()).toEqual([key, other].sort());
    expect(await codeOf(other, { url: `/?key=${key}` })).toBe('API_KEY_IN_URL');
    expect(issuer.exposed).toHaveLength(2);
  });

  it('limits a key, also counting requests refused for a scope, and says when to retry', async () => {
    issuer.limits = { '*': { per_minute: 60, burst: 3 } };
    const { limit } = await keys.verify(key);
    expect(limit === undefined ? {} : limitFields(limit)).toMatchObject({ 'ratelimit-policy': '"default";q=3;w=3' });
    expect(await codeOf(key, { scopes: ['catalogue:write'] })).toBe('SCOPE_MISSING');
    expect([await codeOf(key), await codeOf(key)]).toEqual(['accepted', 'RATE_LIMITED']);
    const known = (await keys.identify(key, undefined)).apiKey;
    if (known === undefined) throw new Error('the caller has a key');
    expect(keys.refusedNow(known, 'default', undefined)).toMatchObject({ exhausted: 'rate', remaining: 0 });
    pass(1_001);
    expect(keys.refusedNow(known, 'default', undefined)).toBeUndefined();
    expect(await codeOf(key)).toBe('accepted');
  });

  it('refuses a route class that no plan can name, because the issuer would refuse every report on it', async () => {
    await expect(keys.verify(key, { routeClass: 'Not a class' })).rejects.toThrow(TypeError);
  });

  it('reports each use once, even those made while the issuer was unavailable', async () => {
    await keys.verify(key);
    await keys.flush();
    issuer.isAway = true;
    await keys.verify(key);
    await codeOf(key, { scopes: ['catalogue:write'] });
    await keys.flush().catch(() => undefined);
    await keys.verify(key);
    issuer.isAway = false;
    pass(60_000);
    await keys.flush();
    await keys.flush();
    const counts = new Map<string, number>();
    for (const { outcome, count } of issuer.reports.flatMap(({ uses }) => uses))
      counts.set(outcome, (counts.get(outcome) ?? 0) + count);
    expect(Object.fromEntries(counts)).toEqual({ allowed: 3, denied: 1 });
    expect(new Set(issuer.reports.map((report) => report.id)).size).toBe(issuer.reports.length);
    expect(keys.lostUses).toBe(0);
  });
});
