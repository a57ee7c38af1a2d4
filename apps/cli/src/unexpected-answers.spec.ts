import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, makeApiKey } from '@countersign/auth-core';
import { jest } from '@jest/globals';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { run } from './run.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('what a command does with an unexpected response', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-answers-'));
  const services = ['ACCOUNTS', 'AUDIT', 'PAYMENTS'];
  let answer: (path: URL, response: ServerResponse) => void;
  let server: Server;
  let address: string;

  beforeAll(async () => {
    writeFileSync(join(folder, 'key.json'), JSON.stringify(await generateSigningKey()));
    server = createServer((request, response) => {
      request.resume();
      request.on('end', () => {
        const url = new URL(request.url ?? '/', 'http://localhost');
        if (url.pathname === '/oauth2/token')
          json(response, { access_token: 't', token_type: 'Bearer', expires_in: 300 });
        else answer(url, response);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    for (const name of services) process.env[`COUNTERSIGN_${name}_URL`] = address;
  });
  afterAll(async () => {
    for (const name of services) Reflect.deleteProperty(process.env, `COUNTERSIGN_${name}_URL`);
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(folder, { recursive: true });
  });

  function json(response: ServerResponse, body: object): void {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
  /** Some of an answer, and then the connection is gone. */
  function cut(response: ServerResponse, text: string): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(text, () => setTimeout(() => response.destroy(), 50));
  }

  async function command(...args: readonly string[]): Promise<Ran> {
    const [out, err]: [string[], string[]] = [[], []];
    const [writeOut, writeErr] = [process.stdout.write.bind(process.stdout), process.stderr.write.bind(process.stderr)];
    process.stdout.write = (text) => out.push(String(text)) > 0;
    process.stderr.write = (text) => err.push(String(text)) > 0;
    try {
      const common = ['--issuer', address, '--client-id', 'operator', '--key', join(folder, 'key.json')];
      const code = await run([...common, ...args]);
      return { code, out: out.join(''), err: err.join('') };
    } finally {
      process.stdout.write = writeOut;
      process.stderr.write = writeErr;
    }
  }

  it('keeps the received part of an export whose connection was lost, and says how to continue', async () => {
    answer = (_, response) => {
      cut(response, '{"start":{}}\n');
    };
    const file = join(folder, 'events.ndjson');
    const { code, err } = await command('audit', 'export', '--output', file);
    expect([code, err]).toEqual([3, expect.stringContaining('the export was cut off')]);
    const [rest] = readdirSync(folder).filter((name) => name.endsWith('.part'));
    expect(readFileSync(join(folder, rest ?? ''), 'utf8')).toBe('{"start":{}}\n');
  });

  it('treats a truncated response as none: the same command may work later', async () => {
    answer = (_, response) => {
      cut(response, '{"clients":[');
    };
    const { code, out } = await command('clients', 'list', '--json');
    expect([code, JSON.parse(out)]).toEqual([3, expect.objectContaining({ ok: false, code: 'UNREACHABLE' })]);
    expect((await command('audit', 'key')).code).toBe(3);
  });

  it('lists to the end, and otherwise says where it stopped', async () => {
    const all = Array.from({ length: 450 }, (_, number) => `c-${String(number).padStart(3, '0')}`);
    answer = ({ searchParams }, response) => {
      const from = Number(searchParams.get('cursor') ?? 0);
      const next = from + Number(searchParams.get('limit'));
      const clients = all.slice(from, next).map((id) => ({ client_id: id, status: 'active', policy: {} }));
      json(response, { clients, ...(next < all.length ? { next_cursor: String(next) } : {}) });
    };
    const { out } = await command('clients', 'list', '--json');
    expect((JSON.parse(out) as { clients: { client_id: string }[] }).clients.map((one) => one.client_id)).toEqual(all);
    const some = await command('clients', 'list', '--limit', '210');
    expect(some.out.trimEnd().split('\n')).toHaveLength(211);
    expect(some.err).toContain('--limit');
    expect((await command('clients', 'list', '--limit', 'many')).code).toBe(2);
  });

  it('does not say that all is well while the log is still being compared', async () => {
    answer = (_, response) => {
      json(response, { state: 'checking', next_index: '5', end_index: '5', found: 0, missing: [] });
    };
    const { code, out } = await command('audit', 'recover', '--json');
    expect([code, JSON.parse(out)]).toEqual([3, expect.objectContaining({ ok: false, code: 'LOG_BEING_CHECKED' })]);
  });

  it('waits longer for a full check than fetch would by itself', async () => {
    const counts = { payments: 1, refunds: 0, transfers: 1, accounts: 2, entries: 2, repaired: 0 };
    const times = { started_at: 'then', finished_at: 'now', checked_at: 'now' };
    const checked = { ok: true, ...counts, ...times, differences: {}, shown: [], invariants: [] };
    const lost = { state: 'restored', next_index: '5', end_index: '6', found: 1, missing: [] };
    answer = ({ pathname }, response) => {
      if (pathname.endsWith('/recall') || (response.req.method === 'GET' && pathname === '/log/recovery')) {
        json(response, lost);
        return;
      }
      setTimeout(() => {
        response.writeHead(200).write(' ');
        setTimeout(() => response.end(JSON.stringify({ ...lost, ...checked })), 1_500);
      }, 1_500);
    };
    const usual = getGlobalDispatcher();
    // Instead of the five minutes that it has.
    setGlobalDispatcher(new Agent({ headersTimeout: 200, bodyTimeout: 200 }));
    try {
      expect((await command('clients', 'list')).code).toBe(3);
      expect((await command('ledger', 'check')).code).toBe(0);
      expect((await command('payments', 'reconcile')).code).toBe(0);
      expect((await command('audit', 'recover')).code).toBe(0);
    } finally {
      setGlobalDispatcher(usual);
    }
  }, 20_000);

  it('trusts no key or checkpoint of the log received over plain http from another machine', async () => {
    process.env['COUNTERSIGN_AUDIT_URL'] = 'http://audit.invalid';
    try {
      for (const what of ['key', 'checkpoint']) {
        const { code, out } = await command('audit', what, '--json');
        expect([code, JSON.parse(out)]).toEqual([2, expect.objectContaining({ code: 'PLAIN_HTTP' })]);
      }
    } finally {
      process.env['COUNTERSIGN_AUDIT_URL'] = address;
    }
    answer = (_, response) => {
      response.writeHead(302, { location: 'http://audit.invalid/log/key' }).end();
    };
    const { code, err } = await command('audit', 'key');
    expect([code, err]).toEqual([3, expect.stringContaining('redirect')]);
  });

  it('reports an answer it does not understand as such, not as its own bug', async () => {
    const said = async (...args: readonly string[]): Promise<unknown> =>
      (JSON.parse((await command(...args, '--json')).out) as { code: unknown }).code;
    answer = (_, response) => {
      response.end('<html>a proxy');
    };
    expect(await said('audit', 'hashes', '--out', join(folder, 'hashes'))).toBe('ANSWER_INVALID');
    for (const event of ['event', 'sealed', 'error']) {
      answer = (_, response) => {
        response.end(`event: ${event}\ndata: {"of":"another version"}\n\n`);
      };
      expect(await said('audit', 'tail')).toBe('ANSWER_INVALID');
    }
  });

  it('shows nothing of a response that moves the cursor, in lists or in refusals', async () => {
    answer = (_, response) => {
      json(response, { clients: [{ client_id: 'a\u001b[2Jb', status: 'active', policy: {} }] });
    };
    expect((await command('clients', 'list')).out).toContain('a·[2Jb');
    answer = (_, response) => {
      response.writeHead(403, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ code: 'NO', detail: 'not\u001b[2J you' }));
    };
    expect((await command('clients', 'list')).err).toContain('not·[2J you');
  });

  it('shows nothing of a response that moves the cursor, whatever the command', async () => {
    const evil = 'a\u001b[2J\u009b2J\rb';
    const everything = {
      ...{ client_id: evil, status: evil, policy: { audiences: {} }, kind: evil, name: evil, until: evil },
      ...{ revoked_by: evil, revoked_at: evil, pushed: true, dry_run: true, ok: true, checked_at: evil },
      ...{
        changes: [{ client_id: 'c', kind: 'changed', text: evil }],
        clients: [{ client_id: evil, status: 'a', policy: {} }],
      },
      ...{ events: evil, indexed: evil, counted: evil, sources: [], outcomes: { [evil]: '1' } },
      ...{ accounts: 1, transfers: 1, entries: 1, invariants: [], state: 'current', next_index: evil, end_index: '1' },
      ...{ found: 0, missing: [], keys: [], checks: { database: evil }, notes: {}, client_secret: evil },
    };
    answer = (_, response) => {
      json(response, everything);
    };
    const declared = join(folder, 'clients.json');
    writeFileSync(declared, '{"clients":[]}');
    for (const args of [
      ['clients', 'apply', declared],
      ['clients', 'show', 'c'],
      ['clients', 'add', 'c', '--secret'],
      ['clients', 'list', '--json'],
      ['revoke', 'client', 'c'],
      ['audit', 'stats'],
      ['audit', 'recover'],
      ['audit', 'key'],
      ['ledger', 'check'],
      ['doctor'],
    ]) {
      const { code, out, err } = await command(...args);
      expect({ args, code, shown: /(?!\n)\p{Cc}/u.test(out + err) }).toEqual({
        args,
        code: args[0] === 'doctor' ? 1 : 0,
        shown: false,
      });
      expect(out).toContain('[2J');
    }
    const { out } = await command('clients', 'list', '--json');
    expect(JSON.parse(out)).toMatchObject({ clients: [{ client_id: evil }] });
  });

  it('counts the waiting dead letters for the doctor, however many were replayed or erased', async () => {
    const stack = join(folder, 'stack');
    mkdirSync(join(stack, 'env'), { recursive: true });
    writeFileSync(join(stack, 'env/clients.json'), '{"clients":[]}');
    const page = (letter: object) => Array.from({ length: 200 }, (_, at) => ({ position: String(at), ...letter }));
    let letters: object[] = [];
    let waiting = 0;
    answer = ({ pathname }, response) => {
      if (pathname === '/overview')
        json(response, { dead_letters: { waiting, oldest_at: '2026-11-01T00:00:00.000Z' } });
      else json(response, { status: 'ready', checks: {}, notes: {}, dead_letters: letters, keys: [] });
    };
    const found = async (): Promise<unknown> => {
      const { out } = await command('doctor', '--json', '--stack', stack);
      return (JSON.parse(out) as { findings: { code: string }[] }).findings.filter(
        ({ code }) => code === 'DEAD_LETTERS',
      );
    };
    letters = page({ replayed_at: '2026-11-02T00:00:00.000Z', erased_at: null });
    waiting = 1;
    expect(await found()).toMatchObject([
      { what: '1 message could not enter the trail; the oldest arrived 2026-11-01T00:00:00.000Z' },
    ]);
    letters = page({ replayed_at: null, erased_at: '2026-11-03T00:00:00.000Z' }).slice(0, 1);
    waiting = 0;
    expect(await found()).toEqual([]);
    waiting = 10_000;
    expect(await found()).toMatchObject([{ what: expect.stringMatching(/^at least 10000 messages/) }]);
  });

  it('revokes no API key as a token, and says of a token that cannot be named why', async () => {
    const asked: string[] = [];
    answer = ({ pathname }, response) => {
      asked.push(pathname);
      json(response, {});
    };
    const id = '01900000-0000-7000-8000-000000000001';
    const key = makeApiKey('live', id);
    for (const kind of ['token', 'subject']) {
      const { code, err } = await command('revoke', kind, key);
      expect([code, err]).toEqual([2, expect.stringContaining(`countersign api-keys revoke ${id}`)]);
      expect(err).not.toContain(key);
    }
    const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url');
    for (const claims of [{ exp: 2_000_000_000 }, { jti: 'a', exp: 1e300 }]) {
      const { code, out } = await command('revoke', 'token', `${part({})}.${part(claims)}.x`, '--json');
      expect([code, JSON.parse(out)]).toEqual([2, expect.objectContaining({ code: 'NOT_A_TOKEN' })]);
    }
    expect(asked).toEqual([]);
  });

  it('gets a one-time secret even if the first response is lost', async () => {
    const keys: unknown[] = [];
    answer = (_, response) => {
      keys.push(response.req.headers['idempotency-key']);
      if (keys.length === 1) cut(response, '{"client_id":');
      else json(response, { client_id: 'legacy', secret_id: 's', client_secret: 'shown-once' });
    };
    const { code, out } = await command('clients', 'rotate', 'legacy', '--secret');
    expect([code, out, keys.length]).toEqual([0, 'shown-once\n', 2]);
    expect(keys[0]).toEqual(expect.any(String));
    expect(keys[1]).toBe(keys[0]);
  });

  it("keeps a client's new key only if the issuer has it, or may have it", async () => {
    const path = join(folder, 'client-key.json');
    const add = (): Promise<Ran> => command('clients', 'add', 'reporting', '--key-out', path);
    answer = (_, response) => {
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end('{"code":"REQUEST_INVALID"}');
    };
    for (let times = 0; times < 2; times += 1) expect((await add()).err).toContain('REQUEST_INVALID');
    answer = (_, response) => {
      cut(response, '{"client_id":');
    };
    const { code, err } = await add();
    const [, beside = ''] = /Its private key is in (\S+): the issuer may have/.exec(err) ?? [];
    expect([code, existsSync(path), JSON.parse(readFileSync(beside, 'utf8'))]).toEqual([
      3,
      false,
      expect.objectContaining({ kty: 'EC', d: expect.any(String) }),
    ]);
    answer = (_, response) => {
      json(response, { client_id: 'reporting', status: 'active', policy: {} });
    };
    expect([(await add()).code, existsSync(path)]).toEqual([0, true]);
  });

  it("waits while very many people's consents to a client are ended, which takes longer than other responses", async () => {
    answer = (_, response) => {
      json(response, {
        ...{ kind: 'client', name: 'shop', until: '2026-11-28T00:00:00Z', revoked_by: 'operator' },
        ...{ revoked_at: '2026-11-28T00:00:00Z', pushed: true },
      });
    };
    const limit = jest.spyOn(AbortSignal, 'timeout');
    try {
      const limits = async (kind: string): Promise<readonly number[]> => {
        limit.mockClear();
        expect((await command('revoke', kind, 'shop')).code).toBe(0);
        return limit.mock.calls.map(([ms]) => ms);
      };
      expect(await limits('client')).toContain(900_000);
      expect(await limits('subject')).not.toContain(900_000);
    } finally {
      limit.mockRestore();
    }
  });

  it('says with --json in one line that keys which work are in files', async () => {
    const key = makeApiKey('test', '01900000-0000-7000-8000-000000000001');
    const path = join(folder, 'leak');
    writeFileSync(path, key);
    answer = (_, response) => {
      json(response, { keys: [{ id: '01900000-0000-7000-8000-000000000001', status: 'live' }] });
    };
    const { code, out } = await command('keys', 'scan', path, '--json');
    expect([code, JSON.parse(out)]).toEqual([1, expect.objectContaining({ ok: false, live: 1 })]);
  });

  it('fails if part of its input could not be read, which may contain a key, and names it without moving the cursor', async () => {
    const loop = join(folder, 'loop');
    symlinkSync(loop, loop);
    expect(JSON.parse((await command('keys', 'scan', loop, '--json')).out)).toMatchObject({ code: 'FILE_UNREADABLE' });
    if (process.platform !== 'linux') return;
    const below = join(folder, 'names');
    mkdirSync(below);
    // Of bytes that are no text, as an unpacked archive may have them: such a file cannot be opened by its name.
    writeFileSync(Buffer.concat([Buffer.from(join(below, '\u001b[2Jkey')), Buffer.from([0xff])]), '');
    const { code, out, err } = await command('keys', 'scan', below);
    expect([code, out, err]).toEqual([
      2,
      `no API keys found\nnot readable: ${below}/·[2Jkey\ufffd\n`,
      'error: 1 path was not readable, so the scan is incomplete\n',
    ]);
    expect(JSON.parse((await command('keys', 'scan', below, '--json')).out)).toMatchObject({ ok: false, live: 0 });
  });
});
