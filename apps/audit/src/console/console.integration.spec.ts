import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey } from '@countersign/auth-core';
import { freePort, startBackingServices, type BackingServices } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { jest } from '@jest/globals';
import pg from 'pg';
import { z } from 'zod';
import { AuditModule } from '../audit.module.js';
import { variables } from '../configuration.js';
import { auditVariables } from '../testing/audit-service.js';
import { startConsoleIssuer, type ConsoleIssuer, type Signing } from '../testing/console-issuer.js';
import { migrate } from '../testing/migrate.js';
import { ownEventFaults, ownEvents } from '../testing/own-events.js';
import { consoleOf } from './console-options.js';
import { IssuerClient } from './issuer.client.js';
import { consolePages } from './page.js';

const amina: Signing = {
  person: 'person:amina',
  name: 'Amina Rahal',
  scopes: ['audit:read'],
  roles: ['auditor'],
};
const eve: Signing = { person: 'person:eve', name: 'Eve', scopes: ['audit:read:own'], roles: [] };
const own = { 'x-countersign-console': '1', 'sec-fetch-site': 'same-origin' };
const sessionSchema = z.object({ person: z.object({ id: z.string(), name: z.string() }).nullable() });

/** A browser as far as cookies go; it follows nothing by itself. */
class Browser {
  readonly cookies = new Map<string, string>();

  async ask(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(cookie === '' ? {} : { cookie }), ...init.headers };
    const response = await fetch(url, { ...init, redirect: 'manual', headers });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';')[0]?.split('=') ?? [];
      if (/Max-Age=0/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }
}

describe('the console at audit', () => {
  let backing: BackingServices;
  let issuer: ConsoleIssuer;
  let database: pg.Client;
  let pages: string;
  const apps: Awaited<ReturnType<typeof createService>>[] = [];
  let here = '';
  let there = '';

  beforeAll(async () => {
    backing = await startBackingServices();
    issuer = await startConsoleIssuer();
    pages = mkdtempSync(join(tmpdir(), 'countersign-console-'));
    mkdirSync(join(pages, 'assets'));
    writeFileSync(join(pages, 'index.html'), '<!doctype html><title>Console</title>');
    writeFileSync(join(pages, 'assets', 'index-1.js'), 'console.log(1)');
    writeFileSync(join(pages, 'assets', 'index-1.js.br'), 'compressed');
    const databaseUrl = await backing.database('audit', migrate);
    const port = await freePort();
    const configuration = loadConfiguration(variables, {
      ...auditVariables({ issuer: issuer.url, databaseUrl, backing }),
      CONSOLE_CLIENT_ID: 'console',
      CONSOLE_URL: `http://127.0.0.1:${String(port)}`,
      CONSOLE_CLIENT_KEY: JSON.stringify(await generateSigningKey()),
      CONSOLE_SESSION_KEY: randomBytes(32).toString('base64url'),
      CONSOLE_DIRECTORY: pages,
    });
    const options = consoleOf(configuration);
    if (options === undefined) throw new Error('no console is configured');
    for (const wanted of [port, 0]) {
      const app = await createService({
        name: 'audit',
        configuration,
        module: AuditModule.forRoot(configuration),
        configure: consolePages(options),
      });
      apps.push(app);
      await app.listen(wanted, '127.0.0.1');
    }
    here = (await apps[0]?.getUrl()) ?? '';
    there = (await apps[1]?.getUrl()) ?? '';
    database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
  }, 180_000);
  afterAll(async () => {
    await Promise.allSettled(apps.map((app) => app.close()));
    const faults = await ownEventFaults(database);
    await database.end();
    issuer.close();
    rmSync(pages, { recursive: true, force: true });
    await backing.stop();
    expect(faults).toEqual([]);
  }, 60_000);

  /** As far as the address that the issuer sends the browser back to. */
  async function begun(browser: Browser, signing: Signing, path = '/console/sign-in'): Promise<URL> {
    const response = await browser.ask(here + path);
    expect(response.status).toBe(302);
    return issuer.signIn(response.headers.get('location') ?? '', signing);
  }
  const back = (browser: Browser, answer: URL, at = here): Promise<Response> =>
    browser.ask(at + answer.pathname + answer.search);
  async function signedIn(signing: Signing = amina): Promise<Browser> {
    const browser = new Browser();
    const response = await back(browser, await begun(browser, signing));
    expect([response.status, response.headers.get('location')]).toEqual([303, '/']);
    return browser;
  }
  const who = async (browser: Browser, at = here): Promise<string | undefined> =>
    sessionSchema.parse(await (await browser.ask(`${at}/console/session`, { headers: own })).json()).person?.name;
  const look = async (browser: Browser, headers: Readonly<Record<string, string>> = own, at = here) => {
    const response = await browser.ask(`${at}/events?limit=1`, { headers });
    return [response.status, z.looseObject({ code: z.string().optional() }).parse(await response.json()).code];
  };
  const nameOf = (type: string): string => type.replace(/^countersign\.audit\.|\.v1$/g, '');
  /** What a route refused, as recorded in the trail, each kind once: those of unverified callers are counted. */
  const refusals = async (route: string) => {
    const found = (await ownEvents(database)).filter(({ data }) => data.resource === `route/${route}`);
    const shown = found.map(
      ({ type, data }) =>
        [data.reason, [nameOf(type), data.principal?.subject ?? null, data.outcome, data.reason]] as const,
    );
    return [...new Map(shown).values()];
  };
  const cookieNames = (response: Response): readonly string[] =>
    response.headers.getSetCookie().map((line) => line.replace(/=[^;]*/, '='));

  it('signs a person in, never shows the browser a token, and lets it do what the person may, at every replica', async () => {
    const browser = new Browser();
    const first = await browser.ask(`${here}/console/sign-in?return_to=/event/7`);
    const answer = issuer.signIn(first.headers.get('location') ?? '', amina);
    const response = await back(browser, answer, there);
    expect([response.status, response.headers.get('location')]).toEqual([303, '/event/7']);
    expect(cookieNames(response)).toEqual([
      'countersign-console-sign-in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
      'countersign-console=; Path=/; HttpOnly; SameSite=Lax; Max-Age=28800',
    ]);
    expect(await Promise.all([who(browser), who(browser, there)])).toEqual(['Amina Rahal', 'Amina Rahal']);
    expect(await Promise.all([look(browser), look(browser, own, there)])).toEqual([
      [200, undefined],
      [200, undefined],
    ]);
    const seen = [await response.text(), JSON.stringify([...first.headers, ...response.headers]), ...browser.cookies];
    expect(seen.join()).not.toMatch(/eyJ/);
    expect(await who(new Browser())).toBeUndefined();
  });

  it('records each session and each read, with the person as the reader', async () => {
    const browser = await signedIn({ ...amina, person: 'person:recorded' });
    await look(browser);
    const { rows } = await database.query<{ type: string }>(
      `select event->>'id' as id, event->>'type' as type from audit_outbox_event
         where event#>>'{data,principal,subject}' = 'person:recorded'
       union select id::text, type from event where subject = 'person:recorded'`,
    );
    expect(rows.map(({ type }) => type).sort()).toEqual([
      'countersign.audit.console-session.began.v1',
      'countersign.audit.events.searched.v1',
    ]);
  });

  it('ignores the cookie of any request that its own pages did not send (CSRF)', async () => {
    const browser = await signedIn();
    const { 'x-countersign-console': header, 'sec-fetch-site': site } = own;
    for (const headers of [
      {},
      { 'sec-fetch-site': site },
      { 'x-countersign-console': header },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { ...own, origin: 'http://evil.test' },
    ]) {
      expect(await look(browser, headers)).toEqual([401, 'TOKEN_MISSING']);
      const out = await browser.ask(`${here}/console/sign-out`, { method: 'POST', headers });
      expect(out.status).toBe(401);
    }
    expect(await who(browser)).toBe('Amina Rahal');
  });

  it('gives a session a new secret at each sign-in, never one that was planted, and ends the one before (session fixation)', async () => {
    const browser = new Browser();
    browser.cookies.set('countersign-console', 'p'.repeat(43));
    await back(browser, await begun(browser, amina));
    const old = browser.cookies.get('countersign-console') ?? '';
    expect(old).not.toBe('p'.repeat(43));
    await back(browser, await begun(browser, amina));
    expect(browser.cookies.get('countersign-console')).not.toBe(old);
    const thief = new Browser();
    thief.cookies.set('countersign-console', old);
    expect(await look(thief)).toEqual([401, 'SESSION_ENDED']);
    expect(await who(browser)).toBe('Amina Rahal');
  });

  it('signs nobody in by an answer that another browser requested, that is used, forged, or of another issuer', async () => {
    const attacker = new Browser();
    const answer = await begun(attacker, eve);
    const victim = new Browser();
    await begun(victim, amina);
    const ends = async (browser: Browser, url: URL): Promise<unknown> =>
      (await back(browser, url)).headers.get('location');
    expect(await ends(victim, answer)).toBe('/?sign_in=not-started');
    expect(await ends(new Browser(), answer)).toBe('/?sign_in=not-started');
    for (const [name, value] of [
      ['iss', 'http://127.0.0.1:1'],
      ['code', 'guessed'],
    ] as const) {
      const browser = new Browser();
      const forged = await begun(browser, amina);
      forged.searchParams.set(name, value);
      expect(await ends(browser, forged)).toMatch(/^\/\?sign_in=(not-genuine|refused)$/);
      expect(await who(browser)).toBeUndefined();
    }
    expect(await ends(attacker, answer)).toBe('/');
    expect(await ends(attacker, answer)).toBe('/?sign_in=not-started');
    const changed = new Browser();
    const real = await begun(changed, amina);
    const kept = changed.cookies.get('countersign-console-sign-in') ?? '';
    changed.cookies.set('countersign-console-sign-in', kept.slice(0, -2) + (kept.endsWith('A') ? 'BB' : 'AA'));
    expect(await ends(changed, real)).toBe('/?sign_in=not-started');
    expect(await refusals('GET /console/signed-in')).toEqual([
      ['requests.refused', null, 'denied', 'SIGN_IN_NOT_STARTED'],
      ['requests.refused', null, 'denied', 'SIGN_IN_NOT_GENUINE'],
    ]);
  });

  it('says so when the issuer refuses, and redirects only to itself', async () => {
    const browser = new Browser();
    const answer = await begun(browser, amina, '/console/sign-in?return_to=//evil.test/');
    const refused = new URL(answer);
    refused.searchParams.delete('code');
    refused.searchParams.set('error', 'access_denied');
    expect((await back(browser, refused)).headers.get('location')).toBe('/?sign_in=refused');
    const again = await begun(browser, amina, '/console/sign-in?return_to=https://evil.test/');
    expect((await back(browser, again)).headers.get('location')).toBe('/');
  });

  it('renews a token before it expires, once, however many requests and replicas need it', async () => {
    const browser = await signedIn();
    await database.query(`update console_token set expires_at = now() + interval '10 seconds'`);
    const before = issuer.asked.length;
    const looks = await Promise.all([here, there, here, there].map((at) => look(browser, own, at)));
    expect(looks).toEqual(Array.from({ length: 4 }, () => [200, undefined]));
    const renewals = issuer.asked.slice(before).filter(({ form }) => form.get('grant_type') === 'refresh_token');
    expect(renewals).toHaveLength(1);
    expect(await who(browser)).toBe('Amina Rahal');
  });

  it('ends a session that the issuer no longer renews', async () => {
    const browser = await signedIn();
    issuer.refreshTokens.clear();
    await database.query(`update console_token set expires_at = now() - interval '1 second'`);
    expect(await look(browser)).toEqual([401, 'SESSION_ENDED']);
    expect(await who(browser)).toBeUndefined();
    const ended = (await ownEvents(database)).findLast(({ type }) => nameOf(type) === 'console-session.ended');
    expect(ended?.data.changes).toEqual({ because: 'the issuer gave no further token' });
  });

  it.each([
    ['that nobody used', `used_at = now() - interval '31 minutes'`],
    // By the service's clock, which knows no smaller part than a millisecond.
    ['that is as old as one may be', `ends_at = date_trunc('milliseconds', now())`],
  ])('ends a session %s', async (_, how) => {
    const browser = await signedIn();
    await database.query(`update console_session set ${how}`);
    expect(await look(browser)).toEqual([401, 'SESSION_ENDED']);
    expect(await who(browser)).toBeUndefined();
  });

  it('signs out at every replica, revokes the tokens, clears the cookie and redirects to the issuer', async () => {
    const browser = await signedIn();
    const stolen = new Browser();
    stolen.cookies.set('countersign-console', browser.cookies.get('countersign-console') ?? '');
    const before = issuer.asked.length;
    const response = await browser.ask(`${here}/console/sign-out`, { method: 'POST', headers: own });
    const { next } = z.object({ next: z.string() }).parse(await response.json());
    expect(new URL(next).pathname).toBe('/end-session');
    expect(next).not.toMatch(/eyJ/);
    expect(browser.cookies.has('countersign-console')).toBe(false);
    expect(await look(stolen, own, there)).toEqual([401, 'SESSION_ENDED']);
    expect(issuer.asked.slice(before).filter(({ path }) => path === '/revoke')).toHaveLength(1);
  });

  it('signs nobody out for a caller who has a token and no session, which is recorded', async () => {
    const token = await issuer.tokens.mint({ audience: 'audit', scopes: ['audit:read'] });
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${here}/console/sign-out`, { method: 'POST', headers });
    expect([response.status, await response.json()]).toMatchObject([404, { code: 'SESSION_UNKNOWN' }]);
    expect((await refusals('POST /console/sign-out')).map(([kind, , , reason]) => [kind, reason])).toContainEqual([
      'request.refused',
      'SESSION_UNKNOWN',
    ]);
  });

  it('revokes tokens that the issuer renewed for a session signed out in the meantime', async () => {
    const browser = await signedIn();
    await database.query(`update console_token set expires_at = now() - interval '1 second'`);
    const client = apps[0]?.get(IssuerClient);
    if (client === undefined) throw new Error('no service');
    const renew = client.renew.bind(client);
    let given: string | undefined;
    const late = jest.spyOn(client, 'renew').mockImplementation(async (audience, token) => {
      const tokens = await renew(audience, token);
      await database.query('delete from console_session');
      given = tokens.refreshToken;
      return tokens;
    });
    expect(await look(browser)).toEqual([401, 'SESSION_ENDED']);
    late.mockRestore();
    const revoked = issuer.asked.filter(({ path }) => path === '/revoke').map(({ form }) => form.get('token'));
    expect(revoked).toContain(given);
    expect(given).toEqual(expect.any(String));
  });

  it('revokes tokens that the issuer issued for somebody other than the signed-in person', async () => {
    const browser = await signedIn();
    const stranger = await begun(browser, eve, '/console/sign-in?for=issuer&return_to=/access');
    const known = new Set(issuer.refreshTokens);
    expect((await back(browser, stranger)).headers.get('location')).toBe('/?sign_in=somebody-else');
    const given = [...issuer.refreshTokens].filter((token) => !known.has(token));
    const revoked = issuer.asked.filter(({ path }) => path === '/revoke').map(({ form }) => form.get('token'));
    expect(given).toHaveLength(1);
    expect(revoked).toEqual(expect.arrayContaining(given));
  });

  it('ends the sessions that the issuer reports as ended, at every replica, and trusts nobody else', async () => {
    const person = 'person:signed-out';
    const [first, second] = [
      await signedIn({ ...amina, person, session: 's-1' }),
      await signedIn({ ...amina, person, session: 's-2' }),
    ];
    const logout = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const order = (claims: object, parts: object = {}) =>
      issuer.tokens.mint({
        ...{ subject: person, audience: 'console', header: { typ: 'logout+jwt' } },
        claims: { sid: 's-1', events: logout, ...claims },
        ...parts,
      });
    const send = async (token: string): Promise<number> => {
      const body = new URLSearchParams({ logout_token: token });
      return (await fetch(`${there}/console/back-channel-logout`, { method: 'POST', body })).status;
    };
    const odd = [
      'no token',
      await order({}, { audience: 'corner-shop' }),
      await order({}, { header: { typ: 'at+jwt' } }),
      await order({}, { key: await generateSigningKey() }),
      await order({ events: {} }),
      await order({ nonce: 'n' }),
      await order({ iat: Math.floor(Date.now() / 1_000) - 600 }),
    ];
    expect(await Promise.all(odd.map(send))).toEqual(odd.map(() => 400));
    expect(await refusals('POST /console/back-channel-logout')).toEqual([
      ['requests.refused', null, 'denied', 'LOGOUT_TOKEN_REFUSED'],
    ]);
    expect(await look(first)).toEqual([200, undefined]);
    expect(await send(await order({}))).toBe(200);
    expect(await look(first)).toEqual([401, 'SESSION_ENDED']);
    expect(await look(second)).toEqual([200, undefined]);
    const { rows } = await database.query<{ because: string }>(
      `select event#>>'{data,changes,because}' as because from audit_outbox_event where event->>'type' like '%console-session.ended.v1'
       union select event#>>'{data,changes,because}' from event where type like '%console-session.ended.v1'`,
    );
    expect(rows.map(({ because }) => because)).toEqual(
      expect.arrayContaining(['the issuer ended the session', 'somebody signed in again in the same browser']),
    );
  });

  it('keeps neither a secret nor a token in the database that anybody could use', async () => {
    const browser = await signedIn();
    const secret = browser.cookies.get('countersign-console') ?? '';
    const { rows } = await database.query<{ all: string }>(
      `select string_agg(s::text, ' ') || (select string_agg(encode(sealed, 'escape'), ' ') from console_token) as all from console_session s`,
    );
    expect(rows[0]?.all).not.toContain(secret);
    expect(rows[0]?.all).not.toMatch(/eyJ|accessToken/);
  });

  it("calls the issuer with the person's own rights, after they asked for them, and only for what the screens use", async () => {
    const browser = await signedIn();
    const at = (path: string): Promise<Response> => browser.ask(`${here}/console/issuer/${path}`, { headers: own });
    const code = async (response: Response) => [
      response.status,
      z.looseObject({ code: z.string().optional() }).parse(await response.json()).code,
    ];
    expect(await code(await at('admin/clients'))).toEqual([403, 'ISSUER_ACCESS_MISSING']);
    expect(await code(await at('token'))).toEqual([404, 'ISSUER_PATH_CLOSED']);
    const stranger = await begun(browser, eve, '/console/sign-in?for=issuer&return_to=/access');
    expect((await back(browser, stranger)).headers.get('location')).toBe('/?sign_in=somebody-else');
    const answer = await begun(browser, amina, '/console/sign-in?for=issuer&return_to=/access');
    expect((await back(browser, answer)).headers.get('location')).toBe('/access');
    const passed = z.object({ authorization: z.string() }).parse(await (await at('admin/clients')).json());
    const [, claims = ''] = passed.authorization.split('.');
    const token = z
      .looseObject({ sub: z.string(), aud: z.string() })
      .parse(JSON.parse(Buffer.from(claims, 'base64url').toString()));
    expect([token.sub, token.aud]).toEqual(['person:amina', 'issuer']);
    // As when the person has just revoked the key that signed it.
    issuer.refused.add(passed.authorization);
    const again = z.object({ authorization: z.string() }).parse(await (await at('admin/clients')).json());
    expect(again.authorization).not.toBe(passed.authorization);
    // An answer without an end is left at the limit.
    expect(await code(await at('admin/clients/endless'))).toEqual([502, 'ISSUER_ANSWER_TOO_LARGE']);
    while (issuer.asked.at(-1)?.path !== 'closed') await delay(10);
    issuer.refused.add(again.authorization);
    issuer.refreshTokens.clear();
    expect(await code(await at('admin/clients'))).toEqual([403, 'ISSUER_ACCESS_MISSING']);
    expect(await who(browser)).toBe('Amina Rahal');
    expect(await refusals('GET /console/issuer/*')).toEqual([
      ['request.refused', 'person:amina', 'denied', 'ISSUER_ACCESS_MISSING'],
      ['request.refused', 'person:amina', 'denied', 'ISSUER_PATH_CLOSED'],
    ]);
    expect((await refusals('GET /console/signed-in')).flat()).toContain('SIGN_IN_OF_SOMEBODY_ELSE');
    const widened = (await ownEvents(database)).filter(({ type }) => nameOf(type) === 'console-session.widened');
    expect(widened.map(({ data }) => [data.outcome, data.changes, data.principal?.subject])).toEqual([
      ['allowed', { audience: 'issuer' }, 'person:amina'],
    ]);
    expect(widened[0]?.data).toMatchObject({
      resource: expect.stringMatching(/^console-session\/[0-9a-f-]{36}$/),
      txn: expect.any(String),
    });
  });

  it('serves its page at each of its URLs, its files with immutable caching, and nothing that was not built', async () => {
    const page = async (path: string, accept = 'text/html') =>
      fetch(here + path, { headers: { accept, 'accept-encoding': 'identity' } });
    for (const path of ['/', '/event/17', '/proof?x=1']) {
      const response = await page(path);
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('<title>Console')]);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';.*frame-ancestors 'none'/);
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
    }
    const file = await page('/assets/index-1.js', '*/*');
    expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    const paths = ['/assets/..%2f..%2fpackage.json', '/assets/none.js', '/assets/index.html', '/nothing.js'];
    for (const path of paths) expect([path, (await page(path, '*/*')).status]).toEqual([path, 404]);
    expect((await page('/event/17', 'application/json')).status).toBe(404);
    expect((await page('/events')).status).toBe(401);
  });

  it('does not start half configured, and says what is missing', () => {
    const configuration = loadConfiguration(variables, {
      PORT: '0',
      ISSUER_URL: issuer.url,
      DATABASE_URL: 'postgres://a:b@127.0.0.1/audit',
      LOG_KEY: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
      LOG_ORIGIN: 'audit.test/log',
      CONSOLE_CLIENT_ID: 'console',
    });
    expect(() => consoleOf(configuration)).toThrow(/CONSOLE_URL[\s\S]*CONSOLE_CLIENT_KEY[\s\S]*CONSOLE_SESSION_KEY/);
    expect(() => consolePages({ directory: '/nowhere' })).toThrow(/CONSOLE_DIRECTORY/);
  });
});
