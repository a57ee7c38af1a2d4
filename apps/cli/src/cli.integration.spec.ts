import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { connectToNats } from '@countersign/audit-client';
import { generateSigningKey, publicJwkOf } from '@countersign/auth-core';
import {
  freePort,
  startBackingServices,
  startChild,
  type BackingServices,
  type Child,
} from '@countersign/backing-services';
import { z } from 'zod';
import { createProgram } from './program.js';
import { run } from './run.js';

const root = resolve(import.meta.dirname, '../../..');
/** What the command gets of this process's environment. */
const bare = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

describe('the built command against a real issuer and audit service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'));
  const env = join(folder, '.countersign', 'env');
  let backing: BackingServices;
  let issuer: Child;
  let audit: Child;

  /** A separate process, as a person starts it. */
  function started(...args: readonly string[]): Promise<Ended> {
    return new Promise((done) => {
      execFile(
        process.execPath,
        [join(root, 'apps/cli/bin/countersign.mjs'), ...args],
        { cwd: folder, env: bare, timeout: 60_000 },
        (error, out, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
          done({ code, out: out.trim(), error: stderr.trim() });
        },
      );
    });
  }
  /** The same in this process, which takes a fiftieth of the time. */
  async function countersign(...args: readonly string[]): Promise<Ended> {
    const { stdout, stderr } = process;
    const writes = [stdout.write.bind(stdout), stderr.write.bind(stderr)] as const;
    let [out, error] = ['', ''];
    stdout.write = (text: string | Uint8Array) => (out += String(text)) !== '';
    stderr.write = (text: string | Uint8Array) => (error += String(text)) !== '';
    try {
      const code = await run(args);
      return { code, out: out.trim(), error: error.trim() };
    } finally {
      [stdout.write, stderr.write] = writes;
    }
  }
  async function json<Schema extends z.ZodType>(schema: Schema, ...args: readonly string[]): Promise<z.infer<Schema>> {
    const ended = await countersign(...args, '--json');
    if (ended.code !== 0) throw new Error(`${args.join(' ')}: ${ended.out} ${ended.error}`);
    return schema.parse(JSON.parse(ended.out));
  }
  /** The code of the failure that a command ended with. */
  async function failureOf(...args: readonly string[]): Promise<readonly [exit: number, code: string]> {
    const ended = await countersign(...args, '--json');
    return [ended.code, z.object({ code: z.string() }).parse(JSON.parse(ended.out)).code];
  }

  async function startService(name: 'issuer' | 'audit', settings: Readonly<Record<string, string>>): Promise<Child> {
    const lines = Object.entries(settings).map(([variable, value]) => `${variable}=${value}`);
    writeFileSync(join(env, `${name}.env`), `${lines.join('\n')}\n`);
    const child = await startChild({
      command: process.execPath,
      args: [`--env-file=${join(env, `${name}.env`)}`, join(root, `apps/${name}/dist/main.js`)],
      cwd: folder,
      pidFile: join(folder, `${name}.pid`),
    });
    const url = `http://127.0.0.1:${settings['PORT'] ?? ''}/health/ready`;
    for (let attempt = 0; attempt < 600 && child.running(); attempt += 1) {
      const ready = await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
      if (ready) return child;
      await delay(100);
    }
    throw new Error(`${name} did not start:\n${child.lastLines()}`);
  }

  beforeAll(async () => {
    mkdirSync(env, { recursive: true });
    const names = {
      storefront: { payments: ['payments:create'] },
      operator: { issuer: ['issuer:admin'], audit: ['audit:admin'] },
      auditor: { audit: ['audit:read'] },
      payments: { issuer: ['api-keys:report'] },
      'privacy-officer': { audit: ['audit:reveal', 'audit:erase'] },
    };
    const clients: object[] = [];
    for (const [client_id, audiences] of Object.entries(names)) {
      const key = await generateSigningKey();
      writeFileSync(join(env, `${client_id}-key.json`), JSON.stringify(key));
      clients.push({ client_id, jwks: { keys: [publicJwkOf(key)] }, policy: { audiences } });
    }
    writeFileSync(join(env, 'clients.json'), JSON.stringify({ clients }));
    backing = await startBackingServices();
    const issuerPort = await freePort();
    const auditPort = await freePort();
    const common = {
      HOST: '127.0.0.1',
      ISSUER_URL: `http://127.0.0.1:${String(issuerPort)}`,
      NATS_URL: backing.nats.url,
    };
    process.chdir(folder);
    issuer = await startService('issuer', {
      ...common,
      PORT: String(issuerPort),
      DATABASE_URL: await backing.database('issuer'),
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: join(env, 'clients.json'),
      KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    });
    audit = await startService('audit', {
      ...common,
      PORT: String(auditPort),
      DATABASE_URL: await backing.database('audit'),
      NATS_USER: 'audit',
      NATS_PASSWORD: backing.passwords.audit,
      LOG_KEY: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
      LOG_ORIGIN: 'audit.test/log',
      LOG_INTERVAL_MS: '50',
      MASKED_FIELDS: 'request.peer',
    });
  }, 180_000);
  afterAll(async () => {
    await audit.stop('SIGTERM', 15_000);
    await issuer.stop('SIGTERM', 15_000);
    await backing.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('prints only the token on standard output, or its content', async () => {
    const printed = await started('token', '--audience', 'payments');
    expect([printed.code, printed.out.split('.').length]).toEqual([0, 3]);
    const { claims } = await json(
      z.object({ claims: z.looseObject({ sub: z.string(), scope: z.string() }) }),
      ...['token', '--audience', 'payments', '--decode'],
    );
    expect(claims).toMatchObject({ sub: 'storefront', scope: 'payments:create' });
    expect((await countersign('whoami')).out).toMatch(/storefront.*authenticated/s);
  }, 60_000);

  it('exits silently when its reader closes the pipe, and on Ctrl-C', async () => {
    const start = (...args: readonly string[]) =>
      spawn(process.execPath, [join(root, 'apps/cli/bin/countersign.mjs'), ...args], {
        cwd: folder,
        env: bare,
      });
    const ended = (child: ChildProcess) =>
      new Promise<number | string | null>((done) => {
        child.once('exit', (code, signal) => {
          done(code ?? signal);
        });
      });
    const textOf = (stream: Readable): (() => string) => {
      let text = '';
      stream.on('data', (chunk) => (text += String(chunk)));
      return () => text;
    };
    const trace = /^\s+at |Error/m;
    const head = start('token', '--audience', 'payments');
    const said = textOf(head.stderr);
    head.stdout.destroy();
    expect(await ended(head)).toBe(0);
    expect(said()).not.toMatch(trace);
    const mute = start('token', '--audience', 'payments', '--scope', 'payments:refund');
    mute.stderr.destroy();
    expect(await ended(mute)).toBe(1);

    const silent = createServer(() => undefined);
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const address = silent.address();
    const issuer = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
    const out = join(folder, 'interrupted.key');
    const asked = () => new Promise((done) => silent.once('request', done));
    for (const command of [
      ['token', '--audience', 'payments', '--issuer', issuer],
      ['clients', 'list', '--issuer', issuer],
      ['audit', 'tail', '--issuer', issuer],
      ['audit', 'checkpoint', '--now', '--out', out, '--issuer', issuer],
    ]) {
      const waiting = asked();
      const child = start(...command);
      const error = textOf(child.stderr);
      await waiting;
      child.kill('SIGINT');
      expect([command[0], await ended(child)]).toEqual([command[0], 130]);
      expect(error()).not.toMatch(trace);
    }
    expect(readdirSync(folder).filter((name) => name.includes('interrupted'))).toEqual([]);
    silent.closeAllConnections();
    silent.close();
  }, 60_000);

  it('reports the outcome by its exit code, and says in words what to do', async () => {
    expect((await started('token')).code).toBe(2);
    const refused = await started('token', '--audience', 'payments', '--scope', 'payments:refund', '--json');
    expect([refused.code, JSON.parse(refused.out)]).toMatchObject([1, { ok: false, code: 'invalid_scope' }]);
    const away = await started('token', '--audience', 'payments', '--issuer', 'http://127.0.0.1:9');
    expect(away.code).toBe(3);
    expect(away.error).toMatch(/npm start/);
    const nobody = await started('token', '--audience', 'payments', '--stack', join(folder, 'none'));
    expect(nobody.code).toBe(2);
    for (const command of [
      [],
      ['token'],
      ['revoke'],
      ['revoke', 'client'],
      ['clients'],
      ['clients', 'add'],
      ['keys'],
      ['audit', 'dead-letters'],
      ['audit', 'erase'],
    ]) {
      const help = await (command.length === 0 ? started : countersign)(...command, '--help');
      expect(help.code).toBe(0);
      expect(help.out).toMatch(/Usage: countersign/);
    }
  }, 120_000);

  it('revokes a token by itself or by its id, a client and a subject, and lists them', async () => {
    const { out: token } = await countersign('token', '--audience', 'payments');
    const revoked = await countersign('revoke', 'token', token, '--reason', 'leaked');
    expect(revoked).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^revoked transaction .*sent to every validator$/) as unknown,
    });
    expect((await countersign('revoke', 'token', 'some-jti')).code).toBe(0);
    expect((await countersign('revoke', 'client', 'storefront')).code).toBe(0);
    // Recent, so that what it refuses has not all expired by the time it is listed.
    const before = new Date(Date.now() - 1_000).toISOString();
    expect((await countersign('revoke', 'subject', 'ada', '--before', before)).code).toBe(0);
    expect((await countersign('revoke', 'subject', 'ada', '--before', 'soon')).code).toBe(2);
    expect((await countersign('revoke', 'restored')).out).toContain('up to date with everything');
    expect((await countersign('revoke', 'restored', '--acknowledge')).code).toBe(0);
    const page = z.object({ revocations: z.array(z.looseObject({ kind: z.string(), reason: z.string().optional() })) });
    const { revocations } = await json(page, 'revoke', 'list');
    expect(revocations.map(({ kind }) => kind)).toEqual(['subject', 'client', 'transaction', 'token', 'transaction']);
    expect(revocations[4]?.reason).toBe('leaked');
  }, 120_000);

  it('registers a client with its own key, rotates the key, disables and enables the client', async () => {
    const key = join(folder, 'reporting.json');
    const added = await countersign(
      'clients',
      'add',
      'reporting',
      '--audience',
      'payments=payments:create',
      '--key-out',
      key,
    );
    expect(added.code).toBe(0);
    expect(statSync(key).mode & 0o077).toBe(0);
    const own = ['token', '--audience', 'payments', '--scope', 'payments:create', '--client-id', 'reporting', '--key'];
    expect((await countersign(...own, key)).code).toBe(0);
    const next = join(folder, 'next.json');
    expect((await countersign('clients', 'rotate', 'reporting', '--key-out', key)).code).toBe(2);
    expect((await countersign('clients', 'rotate', 'reporting', '--key-out', next)).code).toBe(0);
    expect((await countersign(...own, next)).code).toBe(0);
    const { kid } = z.object({ kid: z.string() }).parse(JSON.parse(readFileSync(key, 'utf8')));
    expect((await countersign('clients', 'rotate', 'reporting', '--remove', kid)).code).toBe(0);
    expect((await countersign(...own, key)).code).toBe(1);
    expect((await countersign('clients', 'disable', 'reporting')).code).toBe(0);
    expect((await countersign(...own, next)).code).toBe(1);
    expect((await countersign('clients', 'enable', 'reporting')).code).toBe(0);
    expect((await countersign('clients', 'list')).out).toMatch(/^reporting +active +private_key_jwt +payments$/m);
    const secret = await countersign('clients', 'add', 'legacy', '--secret', '--audience', 'payments=payments:create');
    expect(secret).toMatchObject({ code: 0, out: expect.stringMatching(/^\S{32,}$/) as unknown });
    expect((await countersign('clients', 'add', 'neither')).code).toBe(2);
    expect(existsSync(join(folder, 'neither'))).toBe(false);
  }, 180_000);

  it('makes, shows, rotates, disables, enables and revokes API keys, draws their usage, and finds live ones in files', async () => {
    const made = z.looseObject({ id: z.string(), status: z.string(), api_key: z.string() });
    const wanted = ['api-keys', 'create', 'storefront', 'web shop', '--network', '192.0.2.0/24'];
    const { id, api_key: text } = await json(made, ...wanted, '--audience', 'payments=payments:create');
    expect((await countersign(...wanted)).code).toBe(2);
    const file = join(folder, 'successor.key');
    const rotated = await countersign('api-keys', 'rotate', id, '--grace', '1h', '--key-out', file);
    expect([rotated.code, statSync(file).mode & 0o077, rotated.out.includes('csk_')]).toEqual([0, 0, false]);
    const state = z.looseObject({ id: z.string(), status: z.string(), successor: z.string().optional() });
    const { successor = '', ...old } = await json(state, 'api-keys', 'show', id);
    expect(old.status).toBe('rotated');
    const listed = await countersign('api-keys', 'list', '--client', 'storefront');
    for (const one of [id, successor]) expect(listed.out).toMatch(new RegExp(`^${one} +storefront +web shop `, 'm'));
    expect(listed.out).not.toContain(text);

    const leaks = join(folder, 'leaks');
    mkdirSync(leaks);
    writeFileSync(join(leaks, 'settings.env'), `A=1\nKEY=${text}\nNEXT=${readFileSync(file, 'utf8')}`);
    const leaked = await countersign('keys', 'scan', leaks);
    expect([leaked.code, leaked.error]).toEqual([1, expect.stringMatching(/2 live API keys were found/)]);
    expect(leaked.out).toMatch(new RegExp(`settings.env:2 +${id} +\\w+ +rotated +storefront +web shop`));
    expect(leaked.out).toMatch(new RegExp(`settings.env:3 +${successor} +\\w+ +live `));
    expect(leaked.out + leaked.error).not.toContain(text);

    const token = await json(
      z.looseObject({ token: z.string() }),
      ...['token', '--audience', 'issuer', '--scope', 'api-keys:report', '--client-id', 'payments'],
    );
    const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000).toISOString();
    const use = { api_key_id: successor, hour, route_class: 'read', outcome: 'allowed', count: 7 };
    const report = { id: randomUUID(), uses: [use, { ...use, outcome: 'limited', count: 2 }], networks: [] };
    const [, url = ''] = /^ISSUER_URL=(.*)$/m.exec(readFileSync(join(env, 'issuer.env'), 'utf8')) ?? [];
    const reported = await fetch(`${url}/api-keys/usage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reports: [report] }),
    });
    expect(reported.status).toBe(204);
    const usage = await countersign('api-keys', 'usage', successor, '--since', '3h');
    expect(usage.out).toMatch(/^\S+ {2}7 allowed, 0 denied, 2 limited$/m);
    expect(usage.out).toMatch(/^payments +read +limited +2$/m);

    for (const [step, status] of [
      ['disable', 'disabled'],
      ['enable', 'live'],
      ['revoke', 'revoked'],
    ] as const)
      expect((await json(state, 'api-keys', step, successor, '--reason', 'found in a file')).status).toBe(status);
    expect(await failureOf('api-keys', 'enable', successor)).toEqual([1, 'API_KEY_ENDED']);
    expect((await json(state, 'api-keys', 'revoke', id)).status).toBe('revoked');
    expect(await countersign('keys', 'scan', leaks)).toMatchObject({ code: 0, error: '' });
  }, 120_000);

  it('shows the difference to a declared file before it applies it', async () => {
    const file = join(folder, 'clients.yaml');
    const { clients } = z
      .object({ clients: z.array(z.unknown()) })
      .parse(JSON.parse(readFileSync(join(env, 'clients.json'), 'utf8')));
    const extra = { client_id: 'extra', jwks: { keys: [publicJwkOf(await generateSigningKey())] } };
    writeFileSync(file, JSON.stringify({ clients: [...clients, extra] }));
    const dry = await countersign('clients', 'apply', file, '--dry-run');
    expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/^Would change:.*extra/s) as unknown });
    expect((await countersign('clients', 'show', 'extra')).code).toBe(1);
    expect((await countersign('clients', 'apply', file)).code).toBe(0);
    expect((await countersign('clients', 'show', 'extra')).code).toBe(0);
    expect((await countersign('clients', 'apply', file)).out).toBe('Nothing differs.');
  }, 120_000);

  it('lists the signing keys and revokes one in an emergency', async () => {
    const keys = z.object({ keys: z.array(z.looseObject({ kid: z.string(), state: z.string() })) });
    const before = await json(keys, 'keys', 'list');
    const active = before.keys.find(({ state }) => state === 'active');
    const early = await countersign('keys', 'rotate', '--json');
    expect([early.code, JSON.parse(early.out)]).toMatchObject([1, { code: 'KEY_NOT_YET_PUBLISHED' }]);
    const inUse = await countersign('revoke', 'key', active?.kid ?? '');
    expect([inUse.code, inUse.error]).toEqual([1, expect.stringMatching(/KEY_IN_USE/)]);
    expect((await countersign('keys', 'revoke', active?.kid ?? '')).code).toBe(0);
    const after = await json(keys, 'keys', 'list');
    expect(after.keys.find(({ kid }) => kid === active?.kid)).toMatchObject({ state: 'removed', revoked: true });
  }, 120_000);

  it('prints what a service may do on NATS, and the account that gives it just that', async () => {
    const { out } = await countersign('nats', 'rights', 'my-orders');
    expect(out).toMatch(/^publish {4}audit\.my-orders\.> {2}/m);
    expect(out).toContain('MY-ORDERS {');
    expect(out).toContain('{ service: "audit.my-orders.>", accounts: ["MY-ORDERS"] }');
    for (const name of ['My Orders', 'audit']) expect((await countersign('nats', 'rights', name)).code).toBe(2);
  });

  it('exports evidence that verifies without a service, and names any tampering', async () => {
    const file = (name: string): string => join(folder, name);
    const key = file('log.key');
    expect((await countersign('audit', 'key', '--out', key)).code).toBe(0);
    const monday = file('monday.txt');
    const friday = file('friday.txt');
    expect((await countersign('audit', 'checkpoint', '--now', '--out', monday)).code).toBe(0);
    const size = (path: string): number => Number(readFileSync(path, 'utf8').split('\n')[1]);
    for (let attempt = 0; attempt < 100; attempt += 1) {
      await countersign('audit', 'checkpoint', '--now', '--out', friday, '--force');
      if (size(friday) >= size(monday) + 2) break;
    }
    const week = file('week.ndjson');
    const kept = readFileSync(monday, 'utf8');
    for (const over of [
      ['checkpoint', '--out', monday],
      ['key', '--out', monday],
      ['hashes', '--out', monday],
      ['export', '--output', monday],
    ])
      expect(await countersign('audit', ...over)).toMatchObject({
        code: 2,
        error: expect.stringMatching(/already exists\n.*--force/) as unknown,
      });
    for (const nowhere of [
      ['checkpoint', '--out', file('no/such/x')],
      ['export', '--output', file('no/such/x')],
    ])
      expect(await failureOf('audit', ...nowhere)).toEqual([2, 'FOLDER_MISSING']);
    expect(readFileSync(monday, 'utf8')).toBe(kept);
    const recent = await countersign('audit', 'export', '--from', '-2h', '--output', monday, '--force');
    expect(recent).toMatchObject({ code: 0, error: expect.stringMatching(/^--from 20.*Z\n\d+ events$/) as unknown });
    writeFileSync(monday, kept);
    const exported = await countersign('audit', 'export', '--since', monday, '--output', week);
    expect(exported).toMatchObject({ code: 0, error: expect.stringMatching(/^\d+ events$/) as unknown });
    const against = ['--log-key', key, '--checkpoint', monday, '--checkpoint', friday];
    const verify = (path: string, ...more: string[]): Promise<unknown> =>
      createProgram().parseAsync(['node', 'countersign', 'audit', 'verify', path, ...against, ...more]);
    expect(await countersign('audit', 'verify', week, ...against, '--complete', '--json')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/"complete":true/) as unknown,
    });
    const lines = readFileSync(week, 'utf8').trimEnd().split('\n');
    const changed = (change: readonly string[]): Promise<unknown> => {
      writeFileSync(file('changed.ndjson'), `${change.join('\n')}\n`);
      return verify(file('changed.ndjson'));
    };
    const named = (code: string) => ({
      code,
      exitCode: 1,
      message: expect.stringMatching(new RegExp(`index ${String(size(monday) + 1)}\\b`)) as unknown,
    });
    const altered = lines.with(2, (lines[2] ?? '').replace('"outcome":"', '"outcome":"x'));
    await expect(changed(altered)).rejects.toMatchObject(named('EVENT_ALTERED'));
    await expect(changed(lines.toSpliced(2, 1))).rejects.toMatchObject(named('EVENT_MISSING'));
    await expect(changed(lines.slice(0, -1))).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });

    // Each export is recorded as an event of audit itself: soon there is one that the filter leaves out.
    let table = '';
    const filter = ['--source', 'issuer', '--checkpoint', monday, '--checkpoint', friday];
    for (let attempt = 0; attempt < 100; attempt += 1) {
      table = file(`issuer-${String(attempt)}.csv`);
      expect((await countersign('audit', 'export', '--format', 'csv', ...filter, '--output', table)).code).toBe(0);
      const isWhole = await verify(table, '--complete').then(
        () => true,
        () => false,
      );
      if (!isWhole) break;
    }
    expect(await countersign('audit', 'verify', table, ...against)).toMatchObject({
      code: 0,
      out: expect.stringContaining('The export is filtered') as unknown,
    });
    await expect(verify(table, '--complete')).rejects.toMatchObject({ code: 'EVENT_MISSING' });
    writeFileSync(table, readFileSync(table, 'utf8').replace(/,auditor,/, ',eve,'));
    await expect(verify(table)).rejects.toMatchObject({ code: 'EVENT_ALTERED' });
  }, 120_000);

  it('lists, shows and replays dead letters', async () => {
    const nats = await connectToNats(
      'payments',
      { url: backing.nats.url, user: 'payments', password: backing.passwords.payments },
      { info: () => undefined, warn: () => undefined },
      new AbortController().signal,
    );
    nats?.publish('audit.payments.odd', '{"odd":true}');
    await nats?.drain();
    const letters = z.object({ dead_letters: z.array(z.looseObject({ position: z.string(), reason: z.string() })) });
    let kept: z.infer<typeof letters>['dead_letters'] = [];
    for (let attempt = 0; attempt < 300 && kept.length === 0; attempt += 1) {
      kept = (await json(letters, 'audit', 'dead-letters', 'list')).dead_letters;
      await delay(50);
    }
    const position = kept[0]?.position ?? '';
    expect((await countersign('audit', 'dead-letters', 'show', position)).out).toMatch(
      /audit\.payments\.odd[^]*\{"odd":true\}$/,
    );
    expect(await failureOf('audit', 'dead-letters', 'replay', position)).toEqual([1, 'DEAD_LETTER_STILL_REFUSED']);
    expect((await countersign('audit', 'dead-letters', 'show', '99999')).code).toBe(1);
    expect((await countersign('audit', 'dead-letters', 'replay', 'first')).code).toBe(2);
  }, 120_000);

  it('reveals a masked value to a person who may see it and gives a reason, and erases it permanently', async () => {
    const found = z.object({ events: z.array(z.object({ event: z.looseObject({ id: z.string() }) })) });
    const { events } = await json(
      found,
      'audit',
      'search',
      '--source',
      'issuer',
      '--client',
      'auditor',
      '--limit',
      '1',
    );
    const id = events[0]?.event.id ?? '';
    const revealed = z.object({ values: z.array(z.object({ path: z.string(), value: z.unknown() })) });
    const reveal = ['audit', 'reveal', id, '--reason', 'a complaint'];
    expect((await json(revealed, ...reveal)).values).toMatchObject([{ path: 'request.peer', value: '127.0.0.1' }]);
    expect((await countersign('audit', 'reveal', id)).code).toBe(2);
    expect((await countersign(...reveal, '--client-id', 'auditor')).code).toBe(1);
    const erase = ['audit', 'erase', '--event', id, '--reason', 'asked for'];
    expect((await countersign(...erase)).code).toBe(2);
    expect((await json(z.object({ erased: z.number() }), ...erase, '--yes')).erased).toBe(1);
    expect((await countersign(...reveal)).out).toMatch(/or they were erased/);
  }, 120_000);
});
