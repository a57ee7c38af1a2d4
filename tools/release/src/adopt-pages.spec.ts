import { createServer, type RequestListener, type Server } from 'node:http';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { generateSigningKey, publicJwkOf, signJwt, type PrivateJwk } from '@countersign/auth-core';

const root = resolve(import.meta.dirname, '../../..');
const pages = join(root, 'docs/adopt');
type Side = 'before' | 'after';

interface Running {
  readonly url: string;
  close(): Promise<void>;
}

function listening(listener: RequestListener): Promise<Running> {
  const server: Server = createServer(listener);
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      const close = (): Promise<void> => new Promise((closed) => server.close(() => void closed()));
      done({ url: `http://127.0.0.1:${String(port)}`, close });
    });
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

const isListener = (value: unknown): value is RequestListener => typeof value === 'function';
const isModule = (value: unknown): value is Type => typeof value === 'function';
const isMaker = (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function';
const isVerify = (value: unknown): value is (token: string) => Promise<string> => typeof value === 'function';

describe('the pages on changing over run as they are written, both sides with the same tokens', () => {
  // Below the workspace, so that packages are found.
  let folder: string;
  let key: PrivateJwk;
  let stranger: PrivateJwk;
  let issuer: Running;

  const blockOf = (page: string, side: Side): string => {
    const text = readFileSync(join(pages, `${page}.md`), 'utf8');
    const code = new RegExp('```ts ' + side + '\\n([\\s\\S]*?)```').exec(text)?.[1];
    if (code === undefined) throw new Error(`${page} has no code ${side}`);
    return code;
  };
  async function load(page: string, side: Side): Promise<unknown> {
    const file = join(folder, `${page}-${side}.ts`);
    writeFileSync(file, blockOf(page, side));
    return import(pathToFileURL(file).href);
  }
  const now = (): number => Math.floor(Date.now() / 1_000);
  const claims = (more: object = {}): object => ({
    iss: issuer.url,
    sub: 'ada',
    aud: 'orders',
    client_id: 'shop',
    jti: crypto.randomUUID(),
    scope: 'orders:read',
    iat: now(),
    exp: now() + 300,
    ...more,
  });
  const mint = (more: object = {}, by = key): string =>
    signJwt({ typ: 'at+jwt', alg: 'ES256', kid: String(by.kid) }, claims(more), by);

  beforeAll(async () => {
    mkdirSync(join(root, 'tools/release/test-results'), { recursive: true });
    folder = mkdtempSync(join(root, 'tools/release/test-results/pages-'));
    [key, stranger] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    issuer = await listening((request, response) => {
      const document = request.url?.endsWith('jwks.json')
        ? { keys: [publicJwkOf(key)] }
        : { issuer: issuer.url, jwks_uri: `${issuer.url}/.well-known/jwks.json` };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
    });
    process.env['ISSUER'] = issuer.url;
  });
  afterAll(async () => {
    await issuer.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What each of a row of tokens is answered. */
  async function statuses(url: string, tokens: readonly (string | undefined)[]): Promise<readonly number[]> {
    const found: number[] = [];
    for (const token of tokens) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      found.push((await fetch(`${url}/orders/7`, { headers })).status);
    }
    return found;
  }
  const bad = () => [
    undefined,
    mint({ aud: 'invoices' }),
    mint({ iss: 'https://other.test' }),
    mint({ exp: now() - 60 }),
    mint({}, { ...stranger, kid: key.kid }),
    `${mint().slice(0, -4)}AAAA`,
  ];

  it('has a test for each page', () => {
    expect(readdirSync(pages).sort()).toEqual([
      'from-aws-jwt-verify.md',
      'from-express-oauth2-jwt-bearer.md',
      'from-nest-keycloak-connect.md',
      'from-passport-jwt.md',
    ]);
  });

  describe.each(['before', 'after'] as const)('from-express-oauth2-jwt-bearer, %s', (side) => {
    it('takes the same tokens and refuses the same', async () => {
      const app = member(await load('from-express-oauth2-jwt-bearer', side), 'app');
      if (!isListener(app)) throw new Error('the page exports no app');
      const service = await listening(app);
      const answer = await fetch(`${service.url}/orders/7`, { headers: { authorization: `Bearer ${mint()}` } });
      expect([answer.status, await answer.json()]).toEqual([200, { id: '7', readBy: 'ada' }]);
      expect(await statuses(service.url, [mint({ scope: 'orders:write' })])).toEqual([403]);
      expect(await statuses(service.url, bad())).toEqual([401, 401, 401, 401, 401, 401]);
      await service.close();
    });
  });

  describe.each(['before', 'after'] as const)('from-passport-jwt, %s', (side) => {
    it('takes the same tokens and refuses the same, but for a scope that nobody asked for before', async () => {
      const module = member(await load('from-passport-jwt', side), 'OrdersModule');
      if (!isModule(module)) throw new Error('the page exports no module');
      const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false });
      await app.listen(0, '127.0.0.1');
      const url = await app.getUrl();
      const answer = await fetch(`${url}/orders/7`, { headers: { authorization: `Bearer ${mint()}` } });
      expect([answer.status, await answer.json()]).toEqual([200, { id: '7', readBy: 'ada' }]);
      expect(await statuses(url, [mint({ scope: 'orders:write' })])).toEqual([side === 'before' ? 200 : 403]);
      expect(await statuses(url, bad())).toEqual([401, 401, 401, 401, 401, 401]);
      await app.close();
    });
  });

  describe.each(['before', 'after'] as const)('from-aws-jwt-verify, %s', (side) => {
    it("takes Cognito's access tokens, and neither ID tokens nor those of another client or scope", async () => {
      const userPoolId = 'eu-west-1_example';
      const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`;
      const rsa = await generateSigningKey('RS256');
      const jwks = { keys: [publicJwkOf(rsa)] };
      const document = (url: string): object =>
        url.includes('openid-configuration') ? { issuer: iss, jwks_uri: `${iss}/.well-known/jwks.json` } : jwks;
      const fetchKeys = (asked: string | URL | Request): Promise<Response> =>
        Promise.resolve(Response.json(document(asked instanceof Request ? asked.url : String(asked))));
      const make = member(await load('from-aws-jwt-verify', side), 'verifierFor');
      if (!isMaker(make)) throw new Error('the page exports no verifierFor');
      const verify = side === 'before' ? make(userPoolId, 'shop', jwks) : await make(iss, 'shop', fetchKeys);
      if (!isVerify(verify)) throw new Error('the page gives no function');
      const cognito = (more: object = {}): string =>
        signJwt(
          { alg: 'RS256', kid: String(rsa.kid) },
          {
            iss,
            sub: 'ada',
            client_id: 'shop',
            token_use: 'access',
            scope: 'orders/read',
            jti: crypto.randomUUID(),
            iat: now(),
            exp: now() + 300,
            ...more,
          },
          rsa,
        );
      expect(await verify(cognito())).toBe('ada');
      for (const more of [
        { token_use: 'id', aud: 'shop' },
        { client_id: 'other' },
        { scope: 'orders/write' },
        { iss: `${iss}x` },
        { exp: now() - 60 },
      ])
        await expect(verify(cognito(more))).rejects.toThrow();
    });
  });
});
