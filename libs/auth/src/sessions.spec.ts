import { Controller, Get, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryRevocationList, TokenError, type Principal } from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { cookieOf, isFromOwnPage } from './credentials/session.js';
import { BearerToken, CurrentPrincipal, RequireScopes } from './decorators.js';
import { startGuarded } from './testing/guarded-app.js';

@Controller('notes')
class NotesController {
  @Get()
  @RequireScopes('notes:read')
  read(@CurrentPrincipal() caller: Principal, @BearerToken() token: string): object {
    return { subject: caller.subject, token };
  }

  @Post()
  @RequireScopes('notes:write')
  write(): object {
    return {};
  }
}

const ORIGIN = 'https://notes.test';
const own = { 'x-notes-page': '1', 'sec-fetch-site': 'same-origin' };
const ada = { cookie: '__Host-notes=ada-1' };

describe('a service whose own pages have sessions', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  const revocations = new MemoryRevocationList();
  const tokens = new Map<string, string[]>();
  const refused: (string | undefined)[] = [];

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'notes' });
    const mint = (jti: string): Promise<string> =>
      issuer.mint({ subject: 'ada', kind: 'person', scopes: ['notes:read'], claims: { jti } });
    tokens.set('ada-1', [await mint('first'), await mint('second')]);
    app = await startGuarded(
      {
        issuer: issuer.issuer,
        audience: 'notes',
        fetch: issuer.fetch,
        revocations,
        sessions: {
          cookie: '__Host-notes',
          header: 'x-notes-page',
          origin: ORIGIN,
          tokenOf: (secret, refusedToken) => {
            refused.push(refusedToken);
            const token = tokens.get(secret)?.find((one) => one !== refusedToken);
            return token === undefined ? Promise.reject(new TokenError('SESSION_ENDED')) : Promise.resolve(token);
          },
        },
      },
      [NotesController],
    );
  });
  afterAll(() => app.close());

  const ask = async (headers: Readonly<Record<string, string>>, method: 'GET' | 'POST' = 'GET') => {
    const response = await app.inject({ method, url: '/notes', headers });
    const { code, subject, token } = response.json<{ code?: string; subject?: string; token?: string }>();
    return { statusCode: response.statusCode, code, subject, token };
  };

  it('identifies a person by the cookie that its own page sends, and gets their token to exchange', async () => {
    const [token] = tokens.get('ada-1') ?? [];
    expect(await ask({ ...own, ...ada })).toMatchObject({ statusCode: 200, subject: 'ada', token });
  });

  it.each([
    ['no header of its pages', { 'sec-fetch-site': 'same-origin' }],
    ['another value of that header', { ...own, 'x-notes-page': 'yes' }],
    ['another site', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['another origin of its site', { ...own, 'sec-fetch-site': 'same-site' }],
    ['a URL typed by hand', { ...own, 'sec-fetch-site': 'none' }],
    ['an origin that contradicts', { ...own, origin: 'https://evil.test' }],
    ['a browser that states neither site nor origin', { 'x-notes-page': '1' }],
    ['an old browser at another origin', { 'x-notes-page': '1', origin: 'https://notes.test.evil.test' }],
  ])('ignores the cookie with %s (CSRF)', async (_, headers) => {
    for (const method of ['GET', 'POST'] as const)
      expect(await ask({ ...headers, ...ada }, method)).toMatchObject({ statusCode: 401, code: 'TOKEN_MISSING' });
  });

  it('trusts the Origin header of a browser without fetch metadata', () => {
    const from = (origin: string | undefined): boolean =>
      isFromOwnPage((name) => ({ 'x-notes-page': '1', ...(origin === undefined ? {} : { origin }) })[name], {
        header: 'x-notes-page',
        origin: ORIGIN,
      });
    expect([from(ORIGIN), from('null'), from(undefined)]).toEqual([true, false, false]);
  });

  it('gives a session only the rights of its token', async () => {
    expect(await ask({ ...own, ...ada }, 'POST')).toMatchObject({ statusCode: 403, code: 'SCOPE_MISSING' });
  });

  it('refuses an unknown session, and two cookies of the same name, since one may be planted', async () => {
    expect(await ask({ ...own, cookie: '__Host-notes=nobody' })).toMatchObject({
      statusCode: 401,
      code: 'SESSION_ENDED',
    });
    const twice = '__Host-notes=ada-1; __Host-notes=eve-1';
    expect(await ask({ ...own, cookie: twice })).toMatchObject({ statusCode: 401, code: 'TOKEN_MISSING' });
    expect([cookieOf('a=1; b=2', 'b'), cookieOf('xb=2', 'b'), cookieOf('b=', 'b')]).toEqual([
      '2',
      undefined,
      undefined,
    ]);
    // A sibling host may set a cookie whose name begins with what `trim` takes for white space.
    const tossed = ['\u00a0', '\ufeff', '\u2003', '\u000b'].map((before) => cookieOf(`a=1; ${before}b=2`, 'b'));
    expect([...tossed, cookieOf('a=1;\t b=2', 'b')]).toEqual([undefined, undefined, undefined, undefined, '2']);
  });

  it('prefers a request’s explicit credentials to its cookie', async () => {
    const bob = await issuer.mint({ subject: 'bob', scopes: ['notes:read'] });
    const asBob = { ...own, ...ada, authorization: `Bearer ${bob}` };
    expect(await ask(asBob)).toMatchObject({ statusCode: 200, subject: 'bob', token: bob });
    expect(await ask({ ...asBob, authorization: 'Bearer x' })).toMatchObject({ statusCode: 401 });
  });

  it('requests another token once if its token was revoked, and ends if that one is revoked too', async () => {
    const [, second] = tokens.get('ada-1') ?? [];
    revocations.add({ kind: 'token', tokenId: 'first', until: Infinity });
    expect(await ask({ ...own, ...ada })).toMatchObject({ statusCode: 200, token: second });
    revocations.add({ kind: 'token', tokenId: 'second', until: Infinity });
    expect(await ask({ ...own, ...ada })).toMatchObject({ statusCode: 401, code: 'TOKEN_REVOKED' });
    expect(refused.filter((one) => one !== undefined)).toHaveLength(2);
  });
});
