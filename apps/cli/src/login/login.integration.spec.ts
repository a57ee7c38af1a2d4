import { spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import {
  freePort,
  startBackingServices,
  startChild,
  type BackingServices,
  type Child,
} from '@countersign/backing-services';
import pg from 'pg';
import { byDevice } from './device-flow.js';
import { LoginFile } from '../person/kept-login.js';
import { logIn, logOut, whoIsLoggedIn } from './login.js';

const root = resolve(import.meta.dirname, '../../../..');
const CLIENT = 'countersign-cli';
const person = 'person:01980000-0000-7000-8000-000000000001';

describe('a person who logs in at the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'login-'));
  const logins = join(folder, 'logins');
  const secret = randomBytes(32).toString('base64url');
  let backing: BackingServices;
  let child: Child;
  let database: pg.Client;
  let issuer: string;

  beforeAll(async () => {
    backing = await startBackingServices();
    const [port, databaseUrl] = [await freePort(), await backing.database('issuer')];
    issuer = `http://127.0.0.1:${String(port)}`;
    const login = {
      ...{ client_id: CLIENT, client_name: 'Countersign command line', publisher: 'Countersign' },
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      policy: { people: { issuer: ['openid', 'profile', { scope: 'issuer:admin', roles: ['operator'] }] } },
    };
    const operator = { client_id: 'operator', jwks: { keys: [publicJwkOf(await generateSigningKey())] } };
    const clients = [login, { ...operator, policy: { audiences: { issuer: ['issuer:admin'] } } }];
    mkdirSync(logins);
    const scopes = { 'issuer:admin': { title: 'Administer clients, keys and people' } };
    const audiences = { issuer: { title: 'The issuer', scopes } };
    writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients, audiences }));
    const settings = {
      ...{ HOST: '127.0.0.1', PORT: String(port), ISSUER_URL: issuer, DATABASE_URL: databaseUrl },
      ...{ NATS_URL: backing.nats.url, NATS_USER: 'issuer', NATS_PASSWORD: backing.passwords.issuer },
      CLIENTS_FILE: join(folder, 'clients.json'),
      // Proofs need a nonce, which the first request of each does not have.
      DPOP_NONCE_KEY: randomBytes(32).toString('base64url'),
      KEY_ENCRYPTION_KEYS: `test-1:${randomBytes(32).toString('base64url')}`,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    writeFileSync(join(folder, 'issuer.env'), lines.join('\n'));
    child = await startChild({
      command: process.execPath,
      args: [`--env-file=${join(folder, 'issuer.env')}`, join(root, 'apps/issuer/dist/main.js')],
      cwd: folder,
      pidFile: join(folder, 'issuer.pid'),
    });
    const ready = (): Promise<boolean> =>
      fetch(`${issuer}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    for (let attempt = 0; attempt < 600 && child.running() && !(await ready()); attempt += 1) await delay(100);
    if (!child.running()) throw new Error(`the issuer did not start:\n${child.lastLines()}`);
    database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
    await database.query(
      `insert into person (id, issuer, subject, provider, name, roles, created_at, signed_in_at)
         values ($1, 'https://provider.example', 'ada', 'example', 'Ada Lovelace', '{operator}', now(), now())`,
      [person],
    );
    await addSession(secret, 'Firefox');
  }, 180_000);
  afterAll(async () => {
    await database.end();
    await child.stop('SIGTERM', 15_000);
    await backing.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  /** A browser in which the person is signed in. @returns the session's id */
  async function addSession(cookie: string, device: string): Promise<string> {
    const id = randomUUID();
    await database.query(
      `insert into session (id, secret_digest, person_id, issuer, authenticated_at, amr, device, network, created_at, seen_at)
         values ($1, $2, $3, 'https://provider.example', now(), '{pwd}', $4, '127.0.0.1', now(), now())`,
      [id, createHash('sha256').update(cookie).digest('base64url'), person, device],
    );
    return id;
  }
  const file = () => new LoginFile(issuer, 'issuer', logins);
  const address = () => ({ issuer, url: issuer });
  /** As the person's browser: the page, or where it leads. */
  async function browse(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const cookie = { cookie: `countersign-session=${secret}`, origin: issuer };
    if (form === undefined) return fetch(url, { headers: cookie, redirect: 'manual' });
    return fetch(url, { method: 'POST', body: new URLSearchParams(form), headers: cookie, redirect: 'manual' });
  }
  /** Sends the form of a page on. */
  async function answer(page: Response, path: string, further: Readonly<Record<string, string>>): Promise<Response> {
    const hidden = (await page.text()).matchAll(/<input\s+type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"/g);
    const fields = [...hidden].map(([, name = '', value = '']): [string, string] => [
      name,
      value.replaceAll('&amp;', '&'),
    ]);
    return browse(issuer + path, { ...Object.fromEntries(fields), ...further });
  }
  function countersign(...args: readonly string[]) {
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, COUNTERSIGN_LOGIN_FOLDER: logins, COUNTERSIGN_ISSUER: issuer };
    const bin = join(root, 'apps/cli/bin/countersign.mjs');
    const started = spawn(process.execPath, [bin, ...args], { cwd: folder, env });
    const ended = new Promise<number | null>((done) => started.on('close', done));
    return { started, ended, out: text(started.stdout) };
  }

  /** The address that a login shows. */
  const shownBy = ({ started }: ReturnType<typeof countersign>): Promise<string> => {
    let said = '';
    return new Promise((found) => {
      started.stderr.on('data', (data: Buffer) => {
        said += data.toString();
        const [at] = /http\S+(?=\n)/.exec(said) ?? [];
        if (at !== undefined) found(at);
      });
    });
  };
  async function json(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { ended, out } = countersign(...args, '--json');
    const exit = await ended;
    const body: unknown = JSON.parse(await out);
    return { ...Object(body), exit };
  }

  it('does so through a browser; whoami says who it is, and logout ends it at the issuer', async () => {
    const login = countersign('login', '--no-browser', '--json');
    const { ended, out } = login;
    const url = await shownBy(login);
    const callback = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
    const forged = new URLSearchParams({ code: 'x', state: 'guessed', iss: issuer });
    expect((await fetch(`${callback.href}?${forged.toString()}`)).status).toBe(400);

    const led = await answer(await browse(url), '/consent', { decision: 'allow' });
    expect(led.status).toBe(303);
    expect((await fetch(led.headers.get('location') ?? '')).status).toBe(200);
    expect(await ended).toBe(0);
    expect(JSON.parse(await out)).toMatchObject({ ok: true, person, name: 'Ada Lovelace' });
    const { path } = file();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(logins)).toHaveLength(1);

    expect(await json('whoami', '--person')).toMatchObject({
      ...{ exit: 0, person, client_id: CLIENT },
      logins: [{ audience: 'issuer', scope: 'openid profile', person }],
    });
    expect(await json('clients', 'list', '--person')).toMatchObject({ exit: 1, code: 'SCOPE_NOT_ALLOWED' });
    expect(await json('token', '--person', '--audience', 'payments')).toMatchObject({
      ...{ exit: 2, code: 'NOT_LOGGED_IN', hint: 'Log in: countersign login --audience payments' },
    });

    const before = readFileSync(path, 'utf8');
    const logout = countersign('logout', '--json');
    expect([await logout.ended, JSON.parse(await logout.out)]).toEqual([0, { ok: true, ended: true }]);
    expect(readdirSync(logins)).toEqual([]);
    await file().write(JSON.parse(before));
    await expect(whoIsLoggedIn(address(), file())).rejects.toMatchObject({ code: 'LOGIN_ENDED' });
    await file().remove();
  }, 60_000);

  it('administers under their own name, with what their roles and their consent give, by commands and by any other program', async () => {
    const login = countersign('login', '--audience', 'issuer', '--no-browser', '--json');
    const page = await browse(await shownBy(login));
    const led = await answer(page, '/consent', { decision: 'allow' });
    await fetch(led.headers.get('location') ?? '');
    expect(await login.ended).toBe(0);

    const { exit, clients } = await json('clients', 'list', '--person');
    expect([exit, JSON.stringify(clients).includes('"operator"')]).toEqual([0, true]);
    const { rows } = await database.query(
      `select event->'data'->'principal' as principal from audit_outbox_event
        where event->'data'->>'action' = 'client:list' order by position desc limit 1`,
    );
    expect(rows).toEqual([
      { principal: expect.objectContaining({ subject: person, client_id: CLIENT, scopes: ['issuer:admin'] }) },
    ]);

    const lost = await addSession('of a lost phone', 'Safari on iPhone\u001b[2J');
    const listed = countersign('people', 'list', '--person');
    expect([await listed.ended, await listed.out]).toEqual([
      0,
      expect.stringMatching(/^person:\S+ +Ada Lovelace +active/m),
    ]);
    const devices = (shown: unknown): string => JSON.stringify(shown);
    const before = await json('people', 'show', person, '--person');
    expect(devices(before['sessions'])).toContain(lost);
    const after = await json('people', 'end-session', person, lost, '--person');
    expect([after['exit'], devices(after['sessions']).includes(lost)]).toEqual([0, false]);
    expect(await json('people', 'end-session', person, lost, '--person')).toMatchObject({
      ...{ exit: 1, code: 'SESSION_UNKNOWN' },
    });

    const target = `${issuer}/admin/people`;
    const { headers } = await json('token', '--person', '--audience', 'issuer', '--proof', `GET ${target}`);
    const proven: Record<string, string> = Object.fromEntries(Object.entries(Object(headers)));
    const asked = await fetch(target, { headers: proven });
    // The service wants a nonce in the proof, which a program that sends these headers takes from here.
    expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('use_dpop_nonce'),
    ]);
    expect(await logOut(address(), file())).toBe(true);
  }, 60_000);

  it('does so by a code on another device; many commands at once use the login one after the other', async () => {
    const request = { clientId: CLIENT, scope: 'openid profile', audience: undefined };
    let code = '';
    const decide = async (): Promise<void> => {
      const form = await browse(`${issuer}/device`);
      const asked = await answer(form, '/device', { user_code: code });
      expect((await answer(asked, '/device/decision', { decision: 'allow' })).status).toBe(200);
    };
    await logIn(address(), request, file(), (key) =>
      byDevice(address(), request, key, ({ user_code }) => (code = user_code), decide),
    );
    const all = await Promise.all(Array.from({ length: 6 }, () => whoIsLoggedIn(address(), file())));
    for (const one of all) expect(one).toMatchObject({ id: person, name: 'Ada Lovelace', clientId: CLIENT });
    const { rows } = await database.query(`select generation from refresh_family order by begun_at desc limit 1`);
    expect(rows).toEqual([{ generation: 6 }]);
    expect(await logOut(address(), file())).toBe(true);
    expect(await logOut(address(), file())).toBe(false);
  });

  it('gets the refusal of the person immediately', async () => {
    const request = { clientId: CLIENT, scope: 'openid', audience: undefined };
    let code = '';
    const refuse = async (): Promise<void> => {
      const asked = await answer(await browse(`${issuer}/device`), '/device', { user_code: code });
      await answer(asked, '/device/decision', { decision: 'refuse' });
    };
    const key = await generateSigningKey();
    const refused = byDevice(address(), request, key, ({ user_code }) => (code = user_code), refuse);
    await expect(refused).rejects.toMatchObject({ code: 'access_denied' });
    await expect(whoIsLoggedIn(address(), file())).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
  });

  it('refuses a login that others can read, respects one locked by a command, and takes over one locked by a killed command', async () => {
    const key = await generateSigningKey();
    await file().write({ issuer, audience: 'issuer', client_id: CLIENT, key, refresh_token: 'x', scope: 'openid' });
    chmodSync(file().path, 0o644);
    await expect(file().read()).rejects.toMatchObject({ code: 'LOGIN_EXPOSED' });
    await file().locked(async () => {
      await expect(file().locked(() => Promise.resolve(), 100)).rejects.toMatchObject({ code: 'LOGIN_LOCKED' });
    });
    const gone = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
    await new Promise((done) => gone.on('close', done));
    writeFileSync(`${file().path}.lock`, `${String(gone.pid)}@${hostname()}`);
    let [inside, most] = [0, 0];
    const hold = () =>
      file().locked(async () => {
        inside += 1;
        most = Math.max(most, inside);
        await delay(1);
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 8 }, hold));
    expect([most, readdirSync(logins)]).toEqual([1, [basename(file().path)]]);
    writeFileSync(`${file().path}.lock`, `${String(gone.pid)}@another-machine`);
    await expect(file().locked(() => Promise.resolve(), 100)).rejects.toMatchObject({ code: 'LOGIN_LOCKED' });
    rmSync(`${file().path}.lock`);
    writeFileSync(file().path, '{}', { mode: 0o600 });
    chmodSync(file().path, 0o600);
    await expect(file().read()).rejects.toMatchObject({ code: 'LOGIN_UNREADABLE' });
    await file().remove();
    writeFileSync(join(folder, 'a-file'), '');
    const nowhere = new LoginFile(issuer, 'issuer', join(folder, 'a-file', 'below'));
    await expect(nowhere.locked(() => Promise.resolve())).rejects.toMatchObject({ code: 'LOGIN_UNWRITABLE' });
    const inTheWay = new LoginFile(issuer, 'in-the-way', logins);
    mkdirSync(inTheWay.path, { mode: 0o700 });
    await expect(inTheWay.read()).rejects.toMatchObject({ code: 'LOGIN_UNREADABLE' });
    await expect(
      inTheWay.write({ issuer, audience: 'x', client_id: CLIENT, key, refresh_token: 'x', scope: 'openid' }),
    ).rejects.toMatchObject({ code: 'LOGIN_UNWRITABLE', exitCode: 2 });
    rmSync(inTheWay.path, { recursive: true });
  });
});
