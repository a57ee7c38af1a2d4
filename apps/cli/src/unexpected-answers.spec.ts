import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, makeApiKey } from '@countersign/auth-core';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { run } from './run.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('what a command does with an answer that it does not expect', () => {
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

  it('keeps what came of an export whose connection was lost, and says how to go on', async () => {
    answer = (_, response) => {
      cut(response, '{"start":{}}\n');
    };
    const file = join(folder, 'events.ndjson');
    const { code, err } = await command('audit', 'export', '--output', file);
    expect([code, err]).toEqual([3, expect.stringContaining('the export was cut off')]);
    const [rest] = readdirSync(folder).filter((name) => name.endsWith('.part'));
    expect(readFileSync(join(folder, rest ?? ''), 'utf8')).toBe('{"start":{}}\n');
  });

  it('takes an answer that breaks off for none: the same command may work later', async () => {
    answer = (_, response) => {
      cut(response, '{"clients":[');
    };
    const { code, out } = await command('clients', 'list', '--json');
    expect([code, JSON.parse(out)]).toEqual([3, expect.objectContaining({ ok: false, code: 'UNREACHABLE' })]);
    expect((await command('audit', 'key')).code).toBe(3);
  });

  it('lists until the end, and says where it stopped before', async () => {
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

  it('waits for a check of everything longer than fetch would by itself', async () => {
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

  it('believes no key or checkpoint of the log that came by plain http from another machine', async () => {
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

  it('shows nothing of an answer that moves the cursor, in lists as in refusals', async () => {
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
});
