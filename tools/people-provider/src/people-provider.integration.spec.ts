import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '@countersign/backing-services';
import * as client from 'openid-client';
import { CookieJar, loadSettings, people, PASSWORD, startPeopleProvider, TWO_FACTORS, walkSignIn } from './index.js';
import type { PeopleProvider, WalkOptions } from './index.js';

const party = {
  client_id: 'issuer',
  client_name: 'A <b>relying</b> party',
  client_secret: 'a-secret-of-the-test-with-enough-characters',
  redirect_uris: ['http://party.test/callback'],
  post_logout_redirect_uris: ['http://party.test/signed-out'],
};

describe('the people provider', () => {
  let provider: PeopleProvider;
  let relying: client.Configuration;

  beforeAll(async () => {
    provider = await startPeopleProvider({ host: '127.0.0.1', port: await freePort(), clients: [party] });
    relying = await client.discovery(
      new URL(provider.url),
      party.client_id,
      party.client_secret,
      client.ClientSecretBasic(party.client_secret),
      { execute: [client.allowInsecureRequests] },
    );
  });
  afterAll(() => provider.close());

  async function request(extra: Record<string, string> = {}) {
    const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedNonce: client.randomNonce() };
    const url = client.buildAuthorizationUrl(relying, {
      redirect_uri: 'http://party.test/callback',
      scope: 'openid profile email',
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      nonce: checks.expectedNonce,
      ...extra,
    });
    return { url, checks };
  }
  async function signIn(how: WalkOptions, extra: Record<string, string> = {}) {
    const { url, checks } = await request(extra);
    const back = await walkSignIn(url, how);
    const tokens = await client.authorizationCodeGrant(relying, back, checks);
    return { tokens, claims: tokens.claims() };
  }
  async function pageOf(extra: Record<string, string> = {}): Promise<{ page: string; headers: Headers }> {
    const jar = new CookieJar();
    const { url } = await request(extra);
    const first = await fetch(url, { redirect: 'manual' });
    jar.take(first);
    const path = new URL(first.headers.get('location') ?? '', provider.url);
    const response = await fetch(path, { headers: { cookie: jar.header(path.pathname) } });
    return { page: await response.text(), headers: response.headers };
  }

  it.each(people)(
    'signs $name in, with the groups that stand for the role, to a client nobody here wrote',
    async (who) => {
      const { tokens, claims } = await signIn({ person: who.id });
      expect(claims).toMatchObject({
        sub: who.id,
        name: who.name,
        email: who.email,
        email_verified: true,
        groups: who.groups,
        acr: PASSWORD.acr,
        amr: PASSWORD.amr,
        auth_time: expect.any(Number),
      });
      const info = await client.fetchUserInfo(relying, tokens.access_token, who.id);
      expect(info).toMatchObject({ sub: who.id, groups: who.groups });
    },
  );

  it('gives no two people the same role', () => {
    expect(new Set(people.map(({ groups }) => groups.join())).size).toBe(people.length);
  });

  it('says when two factors were used, and offers them when they are asked for', async () => {
    const { claims } = await signIn({ person: 'olga', twoFactors: true });
    expect(claims).toMatchObject({ acr: TWO_FACTORS.acr, amr: TWO_FACTORS.amr });
    expect((await pageOf()).page).not.toMatch(/type="checkbox"[^>]*checked/);
    expect((await pageOf({ acr_values: TWO_FACTORS.acr })).page).toMatch(/type="checkbox"[^>]*checked/);
  });

  it('keeps a person signed in, until the relying party asks for a new sign-in', async () => {
    const cookies = new CookieJar();
    await signIn({ person: 'carol', cookies });
    // Nobody chooses anything: were the page shown, it would say access_denied.
    expect((await signIn({ person: undefined, cookies })).claims?.sub).toBe('carol');
    expect((await signIn({ person: 'samir', cookies }, { prompt: 'login' })).claims?.sub).toBe('samir');
    const { url } = await request({ prompt: 'login' });
    expect((await walkSignIn(url, { person: undefined, cookies })).searchParams.get('error')).toBe('access_denied');
  });

  it('answers prompt=none with an error when nobody is signed in', async () => {
    const { url } = await request({ prompt: 'none' });
    expect((await walkSignIn(url, { person: 'carol' })).searchParams.get('error')).toBe('login_required');
  });

  it('shows the person who was hinted at first', async () => {
    const named = [...(await pageOf({ login_hint: 'olga' })).page.matchAll(/value="(\w+)">\w+ \w+ </g)];
    expect(named.map(([, id]) => id)).toEqual(['olga', 'carol', 'samir', 'amina']);
  });

  it('shows names as text, runs no script and cannot be framed', async () => {
    const { page, headers } = await pageOf();
    expect(page).toContain('A &lt;b&gt;relying&lt;/b&gt; party');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'.*frame-ancestors 'none'$/);
    expect(page).not.toContain('<script');
  });

  it('refuses a request without PKCE, and one to an undeclared place', async () => {
    const { url } = await request();
    url.searchParams.delete('code_challenge');
    url.searchParams.delete('code_challenge_method');
    expect((await walkSignIn(url, { person: 'carol' })).searchParams.get('error')).toBe('invalid_request');
    const { url: elsewhere } = await request({ redirect_uri: 'http://elsewhere.test/callback' });
    await expect(walkSignIn(elsewhere, { person: 'carol' })).rejects.toThrow(/400.*That did not work/s);
  });

  it('signs a person out for a relying party and sends them back to a declared place', async () => {
    const cookies = new CookieJar();
    const { tokens } = await signIn({ person: 'carol', cookies });
    const end = client.buildEndSessionUrl(relying, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://party.test/signed-out',
      state: 'abc',
    });
    const asked = await fetch(end, { headers: { cookie: cookies.header(end.pathname) } });
    cookies.take(asked);
    const xsrf = /name="xsrf" value="(\w+)"/.exec(await asked.text())?.[1] ?? '';
    const confirm = new URL('/session/end/confirm', provider.url);
    const ended = await fetch(confirm, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: cookies.header(confirm.pathname) },
      body: new URLSearchParams({ xsrf, logout: 'yes' }),
    });
    cookies.take(ended);
    expect(ended.headers.get('location')).toBe('http://party.test/signed-out?state=abc');
    const { url } = await request({ prompt: 'none' });
    expect((await walkSignIn(url, { person: undefined, cookies })).searchParams.get('error')).toBe('login_required');
  });
});

describe("the people provider's settings", () => {
  const folder = mkdtempSync(join(tmpdir(), 'people-provider-'));
  const file = join(folder, 'clients.json');
  writeFileSync(file, JSON.stringify({ clients: [party] }));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are refused in production, whatever else they say', () => {
    expect(loadSettings({ PROVIDER_CLIENTS_FILE: file })).toMatchObject({ port: 4010, host: '127.0.0.1' });
    expect(() => loadSettings({ PROVIDER_CLIENTS_FILE: file, NODE_ENV: 'production' })).toThrow(/NODE_ENV/);
  });

  it('name what is wrong with them', () => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, JSON.stringify({ clients: [{ ...party, client_secret: 'short' }] }));
    for (const [environment, problem] of [
      [{}, /PROVIDER_CLIENTS_FILE/],
      [{ PROVIDER_CLIENTS_FILE: join(folder, 'none.json') }, /not a readable JSON file/],
      [{ PROVIDER_CLIENTS_FILE: bad }, /at least 32 characters/],
      [{ PROVIDER_CLIENTS_FILE: file, PORT: '0' }, /PORT/],
    ] as const)
      expect(() => loadSettings(environment)).toThrow(problem);
  });

  it('make the process end with an exit code and no listener', () => {
    const main = resolve(import.meta.dirname, '../dist/main.js');
    const { status, stderr } = spawnSync(process.execPath, [main], {
      encoding: 'utf8',
      env: { PROVIDER_CLIENTS_FILE: file, NODE_ENV: 'production', PORT: '1' },
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining('must not be production')]);
  });
});
