import { generateSigningKey, publicJwkOf, signClientAssertion, CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { z } from 'zod';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

interface Metadata {
  readonly issuer: string;
  readonly grant_types_supported: readonly string[];
  readonly token_endpoint_auth_methods_supported: readonly string[];
  readonly token_endpoint_auth_signing_alg_values_supported: readonly string[];
  readonly [member: string]: unknown;
}

const openApiSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        responses: z.record(z.string(), z.object({ description: z.string(), content: z.unknown().optional() })),
      }),
    ),
  ),
});

describe('the metadata of the authorization server', () => {
  let issuer: IssuerUnderTest;
  let metadata: Metadata;
  const requested = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer();
    metadata = (await (await fetch(`${issuer.url}/.well-known/oauth-authorization-server`)).json()) as Metadata;
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('names the issuer exactly, and endpoints that exist and are in /openapi.json', async () => {
    expect(metadata.issuer).toBe(issuer.url);
    const { paths } = (await (await fetch(`${issuer.url}/openapi.json`)).json()) as { paths: object };
    const endpoints = Object.entries(metadata).filter(([name]) => /(_endpoint|jwks_uri)$/.test(name));
    expect(endpoints.map(([name]) => name).sort()).toEqual([
      'authorization_endpoint',
      'device_authorization_endpoint',
      'end_session_endpoint',
      'introspection_endpoint',
      'jwks_uri',
      'pushed_authorization_request_endpoint',
      'revocation_endpoint',
      'revocation_jwks_uri',
      'token_endpoint',
      'userinfo_endpoint',
    ]);
    for (const [name, url] of endpoints) {
      const path = new URL(String(url)).pathname;
      expect(Object.keys(paths)).toContain(path);
      const response = await fetch(String(url), name.endsWith('jwks_uri') ? {} : { method: 'POST' });
      expect(response.status).not.toBe(404);
    }
    const offered = Object.keys(paths).filter((path) => path.startsWith('/oauth2/'));
    expect(endpoints.map(([, url]) => new URL(String(url)).pathname)).toEqual(expect.arrayContaining(offered));
  });

  it('says in /openapi.json where each browser route redirects, and which page it shows', async () => {
    const document = openApiSchema.parse(await (await fetch(`${issuer.url}/openapi.json`)).json());
    const ofBrowsers =
      /^(get|post) \/(oauth2\/(authorize|end-session)|consent|sign-out|sign-in(?!\/logout)|account|device)\b/;
    const answers = new Map(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { responses }]) => [`${method} ${path}`, responses] as const),
      ),
    );
    const routes = [...answers].filter(([route]) => ofBrowsers.test(route));
    expect(routes.length).toBeGreaterThan(15);
    for (const [route, responses] of routes)
      for (const [status, { description, content }] of Object.entries(responses))
        expect([route, status, description !== '', content !== undefined]).toEqual([
          route,
          status,
          true,
          status !== '303',
        ]);
    expect(Object.keys(answers.get('post /consent') ?? {})).toEqual(['200', '303', '400']);
  });

  it('names the grants that are accepted, and no others', async () => {
    const others = ['password', 'implicit', 'hybrid'];
    for (const grant of [...metadata.grant_types_supported, ...others]) {
      const { body } = await issuer.token({ ...requested, grant_type: grant });
      expect(body['error'] === 'unsupported_grant_type').toBe(others.includes(grant));
    }
  });

  it('names the signature algorithms that client assertions may have, and no others', async () => {
    const algorithms = metadata.token_endpoint_auth_signing_alg_values_supported;
    for (const algorithm of algorithms) {
      const key = await generateSigningKey(algorithm);
      const clientId = `by-${algorithm.toLowerCase()}`;
      const policy = { audiences: { payments: ['payments:create'] } };
      await issuer.admin('POST', '/admin/clients', { client_id: clientId, jwks: { keys: [publicJwkOf(key)] }, policy });
      const assertion = await signClientAssertion({ clientId, audience: issuer.url, key });
      const form = { ...requested, client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: assertion };
      expect([algorithm, (await issuer.token(form)).status]).toEqual([algorithm, 200]);
    }
    const { publicKey, privateKey } = await generateKeyPair('ES384', { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES384' };
    expect((await issuer.admin('POST', '/admin/clients', { client_id: 'es384', jwks: { keys: [jwk] } })).status).toBe(
      400,
    );
    const odd = await new SignJWT({ jti: 'j' })
      .setProtectedHeader({ alg: 'ES384', kid: 'k' })
      .setIssuer('shop')
      .setSubject('shop')
      .setAudience(issuer.url)
      .setExpirationTime('30s')
      .sign(privateKey);
    const refused = await issuer.token({
      ...requested,
      client_assertion_type: CLIENT_ASSERTION_TYPE,
      client_assertion: odd,
    });
    expect(refused.body['error']).toBe('invalid_client');
  });

  it('names the accepted authentication methods: a secret in the form is not one', async () => {
    expect(metadata.token_endpoint_auth_methods_supported).toEqual(['private_key_jwt', 'client_secret_basic', 'none']);
    const form = { grant_type: 'client_credentials', ...requested, client_id: 'shop', client_secret: 'guess' };
    const response = await fetch(`${issuer.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
    expect(response.status).toBe(401);
  });

  it('answers in the RFC’s format even if the form is malformed', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = 'grant_type=client_credentials&resource=payments&resource=accounts';
    const response = await fetch(`${issuer.url}/oauth2/token`, { method: 'POST', headers, body });
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, 'invalid_request']);
  });
});
