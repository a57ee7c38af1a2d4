import { createHash } from 'node:crypto';
import { Controller, Get, type LoggerService } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryRevocationList, type Principal, type PrincipalWith } from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { z } from 'zod';
import { type AuthSettings } from './auth.settings.js';
import { CurrentPrincipal, Public, RequireScopes } from './decorators.js';
import { RouteReport } from './route-report.service.js';
import { startGuarded } from './testing/guarded-app.js';

const claims = z.object({ tenant: z.string() });
type Claims = z.infer<typeof claims>;

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(@CurrentPrincipal<Claims>() caller: PrincipalWith<Claims>): object {
    return { subject: caller.subject, issuer: caller.issuer, tenant: caller.claims.tenant };
  }

  @Get('offers')
  @Public({ readToken: true })
  offers(@CurrentPrincipal() caller?: Principal): object {
    return { subject: caller?.subject ?? 'nobody' };
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

/** Code that must not compile. */
export class Mistyped {
  // @ts-expect-error the parameter lacks the declared claims' type
  one(@CurrentPrincipal<Claims>() caller: PrincipalWith<{ tenant: number }>): unknown {
    return caller;
  }
  // @ts-expect-error a principal is no text
  two(@CurrentPrincipal() caller: string): unknown {
    return caller;
  }
}

describe('an application of several issuers', () => {
  let own: TestIssuer;
  let old: TestIssuer;
  let app: NestFastifyApplication;
  const revocations = new MemoryRevocationList();
  const certificate = Buffer.from('a certificate in DER');
  const start = (settings: AuthSettings, logger?: LoggerService) =>
    startGuarded(settings, [OrdersController], logger === undefined ? {} : { logger });
  beforeAll(async () => {
    own = await createTestIssuer({ audience: 'orders' });
    old = await createTestIssuer({ audience: 'shop', issuer: 'https://old.test' });
    app = await start({
      audience: 'orders',
      resource: 'https://orders.test',
      claims,
      clientCertificate: (request) => {
        const { headers }: { headers?: Record<string, string | undefined> } = request;
        const shown = headers?.['client-cert'];
        return shown === undefined ? undefined : Buffer.from(shown, 'base64');
      },
      issuers: [
        { issuer: own.issuer, fetch: own.fetch },
        {
          issuer: old.issuer,
          audience: 'shop',
          profile: 'rfc9068',
          jwksUrl: 'https://old.test/keys',
          fetch: old.fetch,
          revocations,
        },
      ],
    });
  });
  afterAll(() => app.close());

  const ask = async (url: string, token?: string, more: Record<string, string> = {}) => {
    const headers = token === undefined ? more : { ...more, authorization: `Bearer ${token}` };
    const answer = await app.inject({ method: 'GET', url, headers });
    return [answer.statusCode, answer.json<{ code?: string }>()] as const;
  };
  const minted = (issuer: TestIssuer, more: object = {}): Promise<string> =>
    issuer.mint({ subject: 'ada', scopes: ['orders:read'], claims: { tenant: 'acme', ...more } });

  it('serves the callers of each, with the claims that it declared, first seen and repeated', async () => {
    for (const issuer of [own, old]) {
      const token = await minted(issuer);
      for (let look = 0; look < 2; look += 1) {
        expect(await ask('/orders', token)).toEqual([200, { subject: 'ada', issuer: issuer.issuer, tenant: 'acme' }]);
      }
    }
    expect(await ask('/orders', await minted(own, { tenant: undefined }))).toMatchObject([
      401,
      { code: 'CLAIM_MISSING' },
    ]);
    const thief = await own.mint({ claims: { iss: old.issuer, aud: 'shop', tenant: 'acme' }, scopes: ['orders:read'] });
    expect(await ask('/orders', thief)).toMatchObject([401, { code: 'KEY_UNKNOWN' }]);
  });

  it('refuses a repeated token that its own issuer has revoked', async () => {
    const token = await minted(old, { jti: 'gone' });
    expect((await ask('/orders', token))[0]).toBe(200);
    revocations.add({ kind: 'token', tokenId: 'gone', until: Infinity });
    expect(await ask('/orders', token)).toMatchObject([401, { code: 'TOKEN_REVOKED' }]);
    expect((await ask('/orders', await minted(own, { jti: 'gone' })))[0]).toBe(200);
  });

  it('names each issuer where callers look for them', async () => {
    const [, metadata] = await ask('/.well-known/oauth-protected-resource');
    expect(metadata).toMatchObject({ authorization_servers: [own.issuer, old.issuer], resource_name: 'orders' });
  });

  it('identifies the caller of an open route that reads tokens, and admits one without a token', async () => {
    const token = await minted(own);
    expect(await ask('/orders/offers')).toEqual([200, { subject: 'nobody' }]);
    for (let look = 0; look < 2; look += 1)
      expect(await ask('/orders/offers', token)).toEqual([200, { subject: 'ada' }]);
    expect(await ask('/orders/offers', `${token.slice(0, -8)}AAAAAAAA`)).toMatchObject([
      401,
      { code: 'SIGNATURE_INVALID' },
    ]);
    expect(await ask('/orders/offers', undefined, { authorization: 'Basic YTpi' })).toEqual([
      200,
      { subject: 'nobody' },
    ]);
    expect((await ask('/orders/open', 'whatever'))[0]).toBe(200);
    const needs = app
      .get(RouteReport)
      .lines()
      .map((line) => line.split(/ {2,}/)[1]);
    expect(needs).toEqual(['orders:read', 'public, recognises a caller with a token', 'public']);
  });

  it('accepts a token that is bound to a certificate only with that certificate', async () => {
    const thumbprint = createHash('sha256').update(certificate).digest('base64url');
    const bound = await minted(own, { cnf: { 'x5t#S256': thumbprint } });
    const shown = (bytes: Buffer) => ({ 'client-cert': bytes.toString('base64') });
    for (let look = 0; look < 2; look += 1) {
      expect((await ask('/orders', bound, shown(certificate)))[0]).toBe(200);
      expect(await ask('/orders', bound)).toMatchObject([401, { code: 'CERTIFICATE_MISMATCH' }]);
      const other = shown(Buffer.from('another'));
      expect(await ask('/orders', bound, other)).toMatchObject([401, { code: 'CERTIFICATE_MISMATCH' }]);
    }
    expect((await ask('/orders', await minted(own), shown(certificate)))[0]).toBe(200);
  });

  it('logs immediately why an issuer’s keys are missing', async () => {
    const logged: string[] = [];
    const logger: LoggerService = {
      log: () => undefined,
      warn: () => undefined,
      error: (text) => logged.push(String(text)),
    };
    const cause = new Error('getaddrinfo ENOTFOUND keycloak.internal');
    const fetch = () => Promise.reject(new TypeError('fetch failed', { cause }));
    const issuer = 'https://keycloak.internal/realms/acme';
    const started = await start({ issuer, audience: 'orders', profile: 'keycloak', fetch }, logger);
    expect(logged).toEqual([`the keys of ${issuer} cannot be loaded: fetch failed: ${cause.message}`]);
    await started.close();
  });
});
