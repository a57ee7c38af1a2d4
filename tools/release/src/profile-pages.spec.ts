import { createHmac, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  generateSigningKey,
  knownProfiles,
  publicJwkOf,
  signJwt,
  TokenError,
  type PrivateJwk,
  type TokenVerifier,
} from '@countersign/auth-core';
import { issuerShapes, issuerTraps, type IssuerTrap } from './issuer-shapes.js';
import { blockOf, generated } from './profile-page.js';

type Claims = Readonly<Record<string, unknown>>;

const root = resolve(import.meta.dirname, '../../..');
const pageOf = (profile: string): string => join(root, `docs/token-profiles/${profile}.md`);
const shapes = issuerShapes(root);
const now = Math.floor(Date.now() / 1_000);
/** The time on a page is fixed. */
const SHOWN = 1_800_000_000;

interface Page {
  /** Which of the nineteen tokens it shows. */
  readonly shape: string;
  /** Where the page's code expects another audience than the token has in the field. */
  readonly audience?: string;
  /** What the page's token has besides; `null` for a claim that it lacks. */
  readonly claims?: Claims;
  /** A change of the caller, not of the token's validity: whom the page's own rule refuses, and how. */
  readonly refused: readonly [claims: Claims, status: number, code: string];
}

const noScope = (claims: Claims): Page['refused'] => [claims, 403, 'SCOPE_MISSING'];
const pages: Readonly<Record<string, Page>> = {
  rfc9068: {
    shape: 'oidc-provider (panva) JWT access token, client_credentials',
    refused: noScope({ scope: 'orders:write' }),
  },
  keycloak: { shape: 'Keycloak user token with audience mapper', refused: noScope({ scope: 'openid' }) },
  auth0: { shape: 'Auth0 default profile, user', refused: noScope({ scope: 'openid', permissions: [] }) },
  okta: { shape: 'Okta custom authorization server', refused: noScope({ scp: ['openid'] }) },
  entra: { shape: 'Entra v2, delegated', refused: noScope({ scp: 'orders.write' }) },
  cognito: { shape: 'Cognito access token', refused: noScope({ scope: 'orders/write' }) },
  zitadel: {
    shape: 'Zitadel JWT access token',
    claims: { 'urn:zitadel:iam:org:project:69234237810729019:roles': { reader: { '1': 'acme' } } },
    refused: [{ 'urn:zitadel:iam:org:project:69234237810729019:roles': null }, 403, 'POLICY_DENIED'],
  },
  spring: { shape: 'Spring Authorization Server (default)', refused: noScope({ scope: ['orders:write'] }) },
  google: {
    shape: 'Google ID token',
    audience: 'https://orders.example',
    claims: { azp: '114567890123456789012', email: 'shop@acme.iam.gserviceaccount.com', at_hash: null, name: null },
    refused: [{ sub: '999' }, 403, 'POLICY_DENIED'],
  },
  'google-sign-in': { shape: 'Google ID token', refused: [{ sub: '999' }, 404, 'NOT_FOUND'] },
  kubernetes: {
    shape: 'Kubernetes projected service-account token',
    refused: [{ sub: 'system:serviceaccount:shop:other' }, 403, 'POLICY_DENIED'],
  },
  'github-actions': {
    shape: 'GitHub Actions OIDC token',
    audience: 'https://orders.example',
    claims: {
      sub: 'repo:acme/app:environment:production',
      environment: 'production',
      repository_id: '1296269',
      repository_owner_id: '583231',
    },
    refused: [{ sub: 'repo:acme/app:pull_request' }, 403, 'POLICY_DENIED'],
  },
  custom: { shape: 'custom', refused: noScope({ rights: [] }) },
};

const own = {
  issuer: 'https://login.acme.example',
  audience_that_a_service_expects: 'orders',
  header: { typ: 'acme-access+jwt' },
  claims: {
    iss: 'https://login.acme.example',
    sub: 'ada',
    aud: ['orders', 'billing'],
    app: 'web',
    kind: 'access',
    rights: ['orders:read'],
    jti: 'a1',
    iat: '<now>',
    exp: '<now + 3600>',
  },
};
const ownTraps: readonly IssuerTrap[] = (
  [
    ['an ID token', { kind: 'id' }, {}, 'TYP_NOT_ALLOWED'],
    ['a token of another type', {}, { typ: 'JWT' }, 'TYP_NOT_ALLOWED'],
    ['rights of another form', { rights: 7 }, {}, 'CLAIM_INVALID'],
    ['a token without client', { app: null }, {}, 'CLAIM_MISSING'],
    ['a token without id', { jti: null }, {}, 'CLAIM_MISSING'],
  ] as const
).map(([what, claims, header, code]) => ({ shape: 'custom', profile: 'custom', what, header, claims, code }));

const shapeOf = (name: string): typeof own | (typeof shapes)[string] => {
  const shape = name === 'custom' ? own : shapes[name];
  if (shape === undefined) throw new Error(`no shape ${name}`);
  return shape;
};

/** The shape's claims with changes, at a time; a claim that is `null` is left out. */
function claimsAt(at: number, shape: string, ...changes: readonly Claims[]): Claims {
  const times: Claims = { '<now>': at, '<now + 3600>': at + 3_600 };
  const merged: Claims = Object.assign({}, shapeOf(shape).claims, ...changes);
  const entries = Object.entries(merged).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([name, value]) => [name, times[String(value)] ?? value]));
}

const isModule = (value: unknown): value is Type => typeof value === 'function';
const isCallerOf = (value: unknown): value is (token: string) => Promise<string> => typeof value === 'function';
const isVerifier = (value: unknown): value is TokenVerifier =>
  typeof value === 'object' && value !== null && 'verifyWithRefresh' in value;

describe('the page of the profile', () => {
  // Below the workspace, so that packages are found.
  let folder: string;
  let key: PrivateJwk;
  let stranger: PrivateJwk;
  let server: Server;
  const fetchOfProcess = globalThis.fetch;

  beforeAll(async () => {
    mkdirSync(join(root, 'tools/release/test-results'), { recursive: true });
    folder = mkdtempSync(join(root, 'tools/release/test-results/profiles-'));
    [key, stranger] = await Promise.all([generateSigningKey('RS256'), generateSigningKey('RS256')]);
    // Every issuer's metadata and keys on this machine, whatever the issuers are called.
    server = createServer((request, response) => {
      const asked = new URL(request.url ?? '/', 'http://keys.test').searchParams.get('url') ?? '';
      const issuers = [own.issuer, ...Object.values(shapes).map(({ issuer }) => issuer)];
      const issuer = issuers.find((one) => asked === `${one.replace(/\/$/, '')}/.well-known/openid-configuration`);
      const found = issuer !== undefined || asked.endsWith('/keys');
      const metadata = { issuer, jwks_uri: `${String(issuer).replace(/\/$/, '')}/keys` };
      const answer = issuer === undefined ? { keys: [publicJwkOf(key)] } : metadata;
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    globalThis.fetch = (asked, init) => {
      const url = asked instanceof Request ? asked.url : String(asked);
      return fetchOfProcess(`http://127.0.0.1:${String(port)}/?url=${encodeURIComponent(url)}`, init);
    };
  });
  afterAll(async () => {
    globalThis.fetch = fetchOfProcess;
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    rmSync(folder, { recursive: true, force: true });
  });

  async function load(profile: string, block: 'verifier' | 'module'): Promise<object> {
    const file = join(folder, `${profile}-${block}.ts`);
    writeFileSync(file, blockOf(pageOf(profile), block));
    const loaded: unknown = await import(pathToFileURL(file).href);
    return typeof loaded === 'object' && loaded !== null ? loaded : {};
  }
  async function started(profile: string): Promise<NestFastifyApplication> {
    const module: unknown = Reflect.get(await load(profile, 'module'), 'OrdersModule');
    if (!isModule(module)) throw new Error('the page exports no module');
    const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
    await app.init();
    return app;
  }
  async function verifierOf(profile: string) {
    const exported = await load(profile, 'verifier');
    const [verifier, callerOf]: unknown[] = [Reflect.get(exported, 'verifier'), Reflect.get(exported, 'callerOf')];
    if (!isVerifier(verifier) || !isCallerOf(callerOf)) throw new Error('the page exports no verifier or callerOf');
    return { verifier, callerOf };
  }
  const ask = async (app: NestFastifyApplication, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await app.inject({ method: 'GET', url: '/orders/7', headers });
    return { status: answer.statusCode, ...answer.json<{ code?: string; detail?: string; readBy?: string }>() };
  };
  const mint = (header: Claims, claims: Claims, by = key): string =>
    signJwt({ ...header, alg: 'RS256', kid: String(key.kid) }, claims, by);

  /** A row of a table: what came, what the caller sees, and what only the log says. */
  async function row(what: string, token: string, app: NestFastifyApplication, verifier: TokenVerifier) {
    const { status, code, detail } = await ask(app, token);
    const error: unknown = await verifier.verifyWithRefresh(token).catch((thrown: unknown) => thrown);
    if (!(error instanceof TokenError) || error.code !== code) throw new Error(`${what} is ${String(code)}`);
    const { detail: claim, expected, actual } = error;
    const differs = actual === undefined ? '' : ` is ${actual}${expected === undefined ? '' : `, not ${expected}`}`;
    const logged = claim === undefined ? '' : `\`${claim}\`${differs}`;
    return { code, line: `| ${what} | ${String(status)} \`${code}\` | ${String(detail)} | ${logged} |` };
  }
  const head = ['| token | answer | what the caller sees | in the log |', '| --- | --- | --- | --- |'];

  it('is there for each profile, and for one’s own', () => {
    const files = readdirSync(join(root, 'docs/token-profiles')).sort();
    expect(files).toEqual([...Object.keys(knownProfiles), 'custom'].map((name) => `${name}.md`).sort());
    expect(
      Object.keys(pages)
        .map((name) => `${name}.md`)
        .sort(),
    ).toEqual(files);
  });

  describe.each(Object.entries(pages))('%s', (profile, { shape, audience, claims = {}, refused }) => {
    const { header, issuer, audience_that_a_service_expects: usual } = shapeOf(shape);
    const aud: Claims = audience === undefined ? {} : { aud: audience };

    it('shows a token that its code accepts, and refuses whom its own rule refuses', async () => {
      const token = mint(header, claimsAt(now, shape, aud, claims));
      const { verifier, callerOf } = await verifierOf(profile);
      const app = await started(profile);
      const { sub } = claimsAt(now, shape, aud, claims);
      expect(await callerOf(token)).toBe(sub);
      expect(await ask(app, token)).toMatchObject({ status: 200, readBy: sub });
      expect(await ask(app)).toMatchObject({ status: 401, code: 'TOKEN_MISSING' });
      const [change, status, code] = refused;
      const other = mint(header, claimsAt(now, shape, aud, claims, change));
      expect(await ask(app, other)).toMatchObject({ status, code });
      verifier.close();
      await app.close();

      const shown = (part: Claims): string[] => ['```json', ...JSON.stringify(part, null, 2).split('\n'), '```'];
      const full = { alg: 'RS256', ...header, kid: '…' };
      const lines = [...shown(full), '', ...shown(claimsAt(SHOWN, shape, aud, claims))];
      const [written, meant] = generated(pageOf(profile), 'token', lines);
      const compact = (text: readonly string[] = []): string => text.join('').replace(/\s/g, '');
      expect(compact(written)).toBe(compact(meant));
    });

    it('says what is refused, and with which answer', async () => {
      const { verifier } = await verifierOf(profile);
      const app = await started(profile);
      const lines = [...head];
      const traps = profile === 'custom' ? ownTraps : issuerTraps(root).filter((trap) => trap.profile === profile);
      expect(traps.length).toBeGreaterThan(2);
      for (const trap of traps) {
        const base = shapeOf(trap.shape);
        const here: Claims = { iss: issuer, ...('aud' in base.claims ? { aud: audience ?? usual } : {}) };
        const token = mint({ ...base.header, ...trap.header }, claimsAt(now, trap.shape, here, trap.claims));
        const { code, line } = await row(trap.what, token, app, verifier);
        expect([trap.what, code]).toEqual([trap.what, trap.code]);
        lines.push(line);
      }
      verifier.close();
      await app.close();
      const [written, meant] = generated(pageOf(profile), 'refused', lines);
      expect(written).toEqual(meant);
    });
  });

  it('need not say what the overview says of all profiles', async () => {
    const { verifier } = await verifierOf('keycloak');
    const app = await started('keycloak');
    const shape = 'Keycloak user token with audience mapper';
    const { header } = shapeOf(shape);
    const changed = (change: Claims): string => mint(header, claimsAt(now, shape, change));
    const valid = changed({});
    const [, payload = '', signature = ''] = valid.split('.');
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const headed = (more: Claims): string =>
      `${encoded({ ...header, alg: 'RS256', kid: key.kid, ...more })}.${payload}`;
    const signedAsItIs = (json: string): string => {
      const input = `${encoded({ ...header, alg: 'RS256', kid: key.kid })}.${Buffer.from(json).toString('base64url')}`;
      return `${input}.${sign('sha256', Buffer.from(input), { key: { ...key }, format: 'jwk' }).toString('base64url')}`;
    };
    const symmetric = headed({ alg: 'HS256' });
    const twins: readonly (readonly [string, string])[] = [
      ['from another issuer, by one slash', changed({ iss: `${shapeOf(shape).issuer}/` })],
      ['a list of audiences without this one', changed({ aud: ['billing', 'shop'] })],
      ['expired', changed({ exp: SHOWN - 200_000_000 })],
      ['not valid yet', changed({ nbf: SHOWN + 2_000_000_000 })],
      ['without an end', changed({ exp: null })],
      ['unsigned', `${headed({ alg: 'none' })}.`],
      [
        'signed with the public key as a secret',
        `${symmetric}.${createHmac('sha256', JSON.stringify(publicJwkOf(key)))
          .update(symmetric)
          .digest('base64url')}`,
      ],
      ['with another `alg` in its header', `${headed({ alg: 'PS256' })}.${signature}`],
      ['signed by a stranger under the issuer’s `kid`', mint(header, claimsAt(now, shape), stranger)],
      [
        'with a changed claim',
        `${valid.split('.')[0] ?? ''}.${encoded(claimsAt(now, shape, { sub: 'eve' }))}.${signature}`,
      ],
      ['of a key that is not published', `${headed({ kid: 'other' })}.${signature}`],
      ['with an extension that must be understood', `${headed({ crit: ['exp'] })}.${signature}`],
      ['with a repeated claim', signedAsItIs('{"sub":"ada","sub":"eve"}')],
      ['bound in a way that is not known', changed({ cnf: { kid: 'x' } })],
    ];
    const lines = [...head];
    for (const [what, token] of twins) {
      const { line } = await row(what, token, app, verifier);
      lines.push(line.replace(/is \d{9,10}, not \d{9,10}/, 'and the time'));
    }
    verifier.close();
    await app.close();
    const [written, meant] = generated(join(root, 'docs/token-profiles.md'), 'common', lines);
    expect(written).toEqual(meant);
  });
});
