import { jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, startChild, type Child } from '@countersign/backing-services';
import { CookieJar, walkSignIn } from '@countersign/people-provider';
import { type FastifyInstance } from 'fastify';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { Cookies } from './cookies.js';
import { createApp, loadSettings, SettingsUnusable } from './index.js';
import { type Settings } from './configuration.js';

/** A browser of this application only: keeps its cookies and stops before it would leave. */
class Visitor {
  readonly cookies = new CookieJar();
  constructor(private readonly app: URL) {}
  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(new URL(path, this.app), {
      redirect: 'manual',
      headers: { cookie: this.cookies.header('/'), ...headers },
    });
    this.cookies.take(response);
    return response;
  }
  async post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(new URL(path, this.app), {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: this.cookies.header('/'), ...headers },
      body: new URLSearchParams(form),
    });
    this.cookies.take(response);
    return response;
  }
}

describe('the web application', () => {
  let settings: Settings;
  let provider: Child;
  let issuer: string;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-web-app-'));
  let bank: Server;
  let app: FastifyInstance;
  let time = 0;
  const authorizations: (string | undefined)[] = [];

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const key = { ...(await exportJWK(privateKey)), kid: 'shop-1', alg: 'ES256' };
    const publicJwk = { ...(await exportJWK(publicKey)), kid: 'shop-1', alg: 'ES256' };
    bank = createServer((request, response) => {
      authorizations.push(request.headers.authorization);
      response.setHeader('content-type', 'application/json').end('{"accounts":[],"payments":[]}');
    }).listen(0, '127.0.0.1');
    const port = await freePort();
    const origin = new URL(`http://127.0.0.1:${String(port)}`);
    const clients = [
      {
        client_id: 'corner-shop',
        client_name: 'Corner Shop',
        jwks: { keys: [publicJwk] },
        redirect_uris: [`${origin.origin}/callback`],
        post_logout_redirect_uris: [`${origin.origin}/signed-out`],
      },
    ];
    const [file, providerPort] = [join(folder, 'clients.json'), await freePort()];
    writeFileSync(file, JSON.stringify({ clients }));
    issuer = `http://127.0.0.1:${String(providerPort)}`;
    await new Promise<void>((done, failed) => {
      startChild({
        command: process.execPath,
        args: [resolve(import.meta.dirname, '../../../tools/people-provider/dist/main.js')],
        env: { PROVIDER_CLIENTS_FILE: file, PORT: String(providerPort) },
        onLine: (line) => {
          if (line.includes(issuer)) done();
        },
      }).then((child) => {
        provider = child;
        void child.exited.then(() => {
          failed(new Error(child.lastLines()));
        });
      }, failed);
    });
    const services = new URL(`http://127.0.0.1:${String((bank.address() as AddressInfo).port)}`);
    settings = {
      host: '127.0.0.1',
      port,
      app: origin,
      issuer: new URL(issuer),
      payments: services,
      accounts: services,
      clientId: 'corner-shop',
      clientKey: key as Settings['clientKey'],
    };
    app = createApp(settings, () => Date.now() + time);
    await app.listen({ host: '127.0.0.1', port });
  });
  afterAll(async () => {
    await app.close();
    await provider.stop('SIGTERM', 5_000);
    bank.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As far as the address that the provider sends the browser back to. */
  async function answerFor(visitor: Visitor, person: string | undefined, path = '/sign-in'): Promise<URL> {
    const response = await visitor.get(path);
    return walkSignIn(response.headers.get('location') ?? '', { person });
  }
  const back = (visitor: Visitor, answer: URL): Promise<Response> => visitor.get(answer.pathname + answer.search);
  async function signedIn(person = 'carol'): Promise<Visitor> {
    const visitor = new Visitor(settings.app);
    const response = await back(visitor, await answerFor(visitor, person));
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('Signed in')]);
    return visitor;
  }
  const tokenOfForm = (page: string): string => /name="form_token" value="([\w-]+)"/.exec(page)?.[1] ?? '';

  it('signs a person in, and sends the browser neither token nor code', async () => {
    const visitor = new Visitor(settings.app);
    const begun = await visitor.get('/sign-in');
    const url = new URL(begun.headers.get('location') ?? '');
    // Pushed: the browser carries a reference only.
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const answer = await walkSignIn(url, { person: 'carol' });
    const code = answer.searchParams.get('code') ?? '';
    const response = await back(visitor, answer);
    const home = await visitor.get('/');
    const page = await home.text();
    expect(page).toContain('Signed in as <strong>Carol Diaz</strong>');
    const token = authorizations.at(-1)?.replace('Bearer ', '') ?? '';
    expect(token.length).toBeGreaterThan(20);
    for (const shown of [await response.text(), page, JSON.stringify([...response.headers, ...home.headers])]) {
      expect(shown).not.toContain(token);
      expect(shown).not.toContain(code);
      expect(shown).not.toContain('eyJ');
    }
  });

  it('keeps its cookies from scripts, from other hosts and from requests of other sites', async () => {
    const visitor = new Visitor(settings.app);
    const begun = await visitor.get('/sign-in');
    const response = await back(visitor, await walkSignIn(begun.headers.get('location') ?? '', { person: 'carol' }));
    const cookies = [...begun.headers.getSetCookie(), ...response.headers.getSetCookie()];
    expect(cookies).toEqual([
      expect.stringMatching(/^corner-shop-browser=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/),
      expect.stringMatching(/^corner-shop=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/),
    ]);
    const value = 'v'.repeat(43);
    const secure = new Cookies(true).set('corner-shop', value, { sameSite: 'Strict', maxAgeSeconds: 60 });
    expect(secure).toBe(`__Host-corner-shop=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=60; Secure`);
    expect(new Cookies(true).read(`corner-shop=${value}`, 'corner-shop')).toBeUndefined();
    expect(new Cookies(true).read(`a=b; __Host-corner-shop=${value}`, 'corner-shop')).toBe(value);
  });

  it('sends a strict content security policy and cannot be framed', async () => {
    for (const path of ['/', '/callback', '/nowhere']) {
      const { headers } = await new Visitor(settings.app).get(path);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
    }
  });

  it('accepts an answer only in the browser that asked (login CSRF), and only once', async () => {
    const attacker = new Visitor(settings.app);
    const answer = await answerFor(attacker, 'samir');
    const victim = new Visitor(settings.app);
    expect((await back(victim, answer)).status).toBe(400);
    await victim.get('/sign-in');
    expect((await back(victim, answer)).status).toBe(400);
    expect(await (await victim.get('/')).text()).toContain('Sign in with your bank');
    // Another browser's attempt takes nothing from the browser that began.
    expect((await back(attacker, answer)).status).toBe(200);
    expect((await back(attacker, answer)).status).toBe(400);
  });

  it.each([
    [
      'another issuer (mix-up)',
      (url: URL) => {
        url.searchParams.set('iss', 'http://127.0.0.1:1');
      },
    ],
    [
      'no issuer',
      (url: URL) => {
        url.searchParams.delete('iss');
      },
    ],
    [
      'another code',
      (url: URL) => {
        url.searchParams.set('code', 'x'.repeat(43));
      },
    ],
  ])('refuses an answer with %s and signs nobody in', async (_, change) => {
    const visitor = new Visitor(settings.app);
    const answer = await answerFor(visitor, 'carol');
    change(answer);
    const quiet = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect((await back(visitor, answer)).status).toBe(502);
    quiet.mockRestore();
    expect(await (await visitor.get('/')).text()).toContain('Sign in with your bank');
  });

  it('refuses an answer that belongs to another request of the same browser', async () => {
    const visitor = new Visitor(settings.app);
    const [first, second] = [await answerFor(visitor, 'carol'), await answerFor(visitor, 'carol')];
    first.searchParams.set('state', second.searchParams.get('state') ?? '');
    const quiet = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    expect((await back(visitor, first)).status).toBe(502);
    quiet.mockRestore();
  });

  it('gives the session a new name at each sign-in, and never one that a request brought (session fixation)', async () => {
    const visitor = new Visitor(settings.app);
    const planted = 'p'.repeat(43);
    visitor.cookies.set('corner-shop', planted);
    await back(visitor, await answerFor(visitor, 'carol'));
    const first = visitor.cookies.value('corner-shop') ?? '';
    expect(first).not.toBe(planted);
    await back(visitor, await answerFor(visitor, 'carol', '/connect/accounts'));
    expect(visitor.cookies.value('corner-shop')).not.toBe(first);
    const old = new Visitor(settings.app);
    old.cookies.set('corner-shop', first);
    expect(await (await old.get('/')).text()).toContain('Sign in with your bank');
    expect(await (await visitor.get('/')).text()).toContain('Carol Diaz');
  });

  it('does not add what another person allows to a session', async () => {
    const visitor = await signedIn('carol');
    const response = await back(visitor, await answerFor(visitor, 'samir', '/connect/accounts'));
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('somebody else')]);
    expect(await (await visitor.get('/')).text()).toContain('Carol Diaz');
  });

  it('says so when the person refuses', async () => {
    const visitor = new Visitor(settings.app);
    const response = await back(visitor, await answerFor(visitor, undefined));
    expect(await response.text()).toContain('You did not allow it');
  });

  it('changes nothing for a form that it did not make, no matter who sends it', async () => {
    const visitor = await signedIn();
    const form_token = tokenOfForm(await (await visitor.get('/')).text());
    const other = await signedIn();
    const others = tokenOfForm(await (await other.get('/')).text());
    for (const path of ['/pay', '/account', '/sign-out']) {
      expect((await visitor.post(path, {})).status).toBe(403);
      expect((await visitor.post(path, { form_token: others })).status).toBe(403);
      expect((await visitor.post(path, { form_token }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
      expect((await new Visitor(settings.app).post(path, { form_token })).status).toBe(403);
      expect((await visitor.get(`${path}?form_token=${form_token}`)).status).toBe(404);
    }
    expect((await visitor.post('/pay', { form_token, good: 'gold', key: crypto.randomUUID() })).status).toBe(400);
  });

  it('ends its session immediately, and redirects to sign out at the issuer, without a token in the address', async () => {
    const visitor = await signedIn();
    const form_token = tokenOfForm(await (await visitor.get('/')).text());
    const name = visitor.cookies.value('corner-shop') ?? '';
    const page = await (await visitor.post('/sign-out', { form_token })).text();
    const next = new URL(/content="0;url=([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? '');
    expect([next.pathname, Object.fromEntries(next.searchParams)]).toEqual([
      '/session/end',
      { client_id: 'corner-shop', post_logout_redirect_uri: new URL('/signed-out', settings.app).href },
    ]);
    expect(page).not.toContain('eyJ');
    visitor.cookies.set('corner-shop', name);
    expect(await (await visitor.get('/')).text()).toContain('Sign in with your bank');
  });

  it('forgets who was idle for half an hour, and everybody after eight hours', async () => {
    const visitor = await signedIn();
    time += 29 * 60_000;
    expect(await (await visitor.get('/waiting')).text()).toBe('');
    expect((await visitor.get('/sign-in')).status).toBe(302);
    time += 31 * 60_000;
    expect(await (await visitor.get('/')).text()).toContain('Sign in with your bank');
  });

  it('ends no session for a logout token that the issuer did not sign', async () => {
    const visitor = await signedIn();
    const forged = await new SignJWT({
      sub: 'carol',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'logout+jwt', kid: 'shop-1' })
      .setIssuer(issuer)
      .setAudience('corner-shop')
      .setIssuedAt()
      .setJti('1')
      .sign(await importJWK(settings.clientKey, 'ES256'));
    for (const logout_token of [forged, 'x', ''])
      expect((await visitor.post('/back-channel-logout', { logout_token })).status).toBe(400);
    expect(await (await visitor.get('/')).text()).toContain('Carol Diaz');
  });

  it('answers what it cannot read with a page that repeats nothing of it', async () => {
    const visitor = new Visitor(settings.app);
    const unreadable = await fetch(new URL('/pay', settings.app), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"<script>":1}',
    });
    expect([unreadable.status, await unreadable.text()]).toEqual([415, expect.not.stringContaining('<script>')]);
    const unknown = await visitor.get('/callback?state=<script>&error_description=<script>');
    expect(await unknown.text()).not.toContain('<script>');
  });

  it('names the settings that it cannot run with', () => {
    const urls = {
      APP_URL: 'http://127.0.0.1:1',
      ISSUER_URL: 'http://127.0.0.1:2',
      PAYMENTS_URL: 'http://127.0.0.1:3',
    };
    for (const [environment, problem] of [
      [urls, /ACCOUNTS_URL[\s\S]*CLIENT_KEY_FILE|CLIENT_KEY_FILE[\s\S]*ACCOUNTS_URL/],
      [{ ...urls, ACCOUNTS_URL: 'http://accounts.example', CLIENT_KEY_FILE: '/nowhere' }, /ACCOUNTS_URL must be https/],
      [{ ...urls, ACCOUNTS_URL: 'http://127.0.0.1:4/x', CLIENT_KEY_FILE: '/nowhere' }, /must have no path/],
      [{ ...urls, ACCOUNTS_URL: 'http://127.0.0.1:4', CLIENT_KEY_FILE: '/nowhere' }, /CLIENT_KEY_FILE/],
    ] as const) {
      expect(() => loadSettings(environment)).toThrow(SettingsUnusable);
      expect(() => loadSettings(environment)).toThrow(problem);
    }
  });
});
