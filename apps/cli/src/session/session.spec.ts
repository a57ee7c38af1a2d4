import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey } from '@countersign/auth-core';
import { Command } from 'commander';
import { decodeJwt } from 'jose';
import { addCommonOptions } from './session-options.js';
import { openSession, type Session } from './session.js';

describe('a session away from any local stack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cli-session-'));
  const asked: URLSearchParams[] = [];
  let grants: readonly string[] = [];
  let server: Server;
  let address: string;

  beforeAll(async () => {
    writeFileSync(join(folder, 'key.json'), JSON.stringify(await generateSigningKey()));
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const form = new URLSearchParams(body);
        asked.push(form);
        const granted = grants.includes(form.get('scope') ?? '');
        response.writeHead(granted ? 200 : 400, { 'content-type': 'application/json' });
        const answer = granted
          ? { access_token: 'token', token_type: 'Bearer', expires_in: 300, scope: form.get('scope') }
          : { error: 'invalid_scope', error_description: 'not within the policy' };
        response.end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    address = `http://127.0.0.1:${String(port)}`;
  });
  afterAll(async () => {
    await new Promise((done) => server.close(done));
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    asked.splice(0);
  });

  function session(...args: readonly string[]): Session {
    const command = addCommonOptions(new Command('countersign'));
    const common = ['--client-id', 'auditor', '--key', join(folder, 'key.json')];
    command.parse([...common, ...args], { from: 'user' });
    return openSession(command, {});
  }
  const reading = ['audit:read', 'audit:read:own'];

  it('requests alternative scopes, the best first, until the issuer grants one', async () => {
    grants = ['audit:read:own'];
    const { scopes } = await session('--issuer', address).token('audit', [], reading);
    expect(scopes).toEqual(['audit:read:own']);
    expect(asked.map((form) => form.get('scope'))).toEqual(reading);
    grants = reading;
    expect((await session('--issuer', address).token('audit', [], reading)).scopes).toEqual(['audit:read']);
  });

  it("reports the issuer's refusal when it grants none of them", async () => {
    grants = [];
    await expect(session('--issuer', address).token('audit', [], reading)).rejects.toMatchObject({
      code: 'invalid_scope',
    });
  });

  it('reaches the issuer at another URL, and still uses its name', async () => {
    grants = reading;
    await session('--issuer', 'https://issuer.test', '--connect-to', `${address}/`).token('audit', [], reading);
    expect(decodeJwt(asked[0]?.get('client_assertion') ?? '').aud).toBe('https://issuer.test');
    expect(session('--issuer', 'https://issuer.test', '--connect-to', address).urlOf('issuer')).toBe(address);
  });

  it('sends nothing by plain http to another machine, unless allowed to', async () => {
    const plain = ['--issuer', 'http://issuer.test', '--connect-to'];
    await expect(session(...plain, 'http://issuer.test:4000').token('audit', [], reading)).rejects.toMatchObject({
      code: 'PLAIN_HTTP',
      exitCode: 2,
    });
    expect(asked).toEqual([]);
    grants = reading;
    expect((await session(...plain, address).token('audit', [], reading)).token).toBe('token');
  });

  it.each([
    ['true', 'http://issuer.test'],
    ['false', 'PLAIN_HTTP'],
    ['0', 'USAGE'],
  ])('reads from its variable %j whether plain http is allowed', (value, expected) => {
    const variable = 'COUNTERSIGN_ALLOW_PLAIN_HTTP';
    process.env[variable] = value;
    try {
      const command = addCommonOptions(new Command('countersign')).parse(['--issuer', 'http://issuer.test'], {
        from: 'user',
      });
      expect(openSession(command).safeUrlOf('issuer')).toBe(expected);
    } catch (error) {
      expect(error).toMatchObject({ code: expected });
    } finally {
      Reflect.deleteProperty(process.env, variable);
    }
  });
});
