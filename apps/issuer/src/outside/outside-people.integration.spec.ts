import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  signJwt,
  type PrivateJwk,
  CLIENT_ASSERTION_TYPE,
  JWT_BEARER,
  TOKEN_EXCHANGE,
} from '@countersign/auth-core';
import { startIssuer, type Answer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

type Claims = Readonly<Record<string, unknown>>;

const typeOf = (kind: string): string => `urn:ietf:params:oauth:token-type:${kind}`;
const claimsOf = (token: unknown): Claims => {
  const read: unknown = JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString());
  if (typeof read !== 'object' || read === null) throw new Error('no claims');
  return { ...read };
};

describe('people of outside issuers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'outside-'));
  let keys: Readonly<Record<'keycloak' | 'idp' | 'portal' | 'stranger', PrivateJwk>>;
  let outside: Server;
  let realm: string;
  let idp: string;
  let issuer: IssuerUnderTest;

  beforeAll(async () => {
    const [keycloak, provider, portal, stranger] = await Promise.all(
      ['RS256', 'ES256', 'ES256', 'RS256'].map((alg) => generateSigningKey(alg)),
    );
    if (keycloak === undefined || provider === undefined || portal === undefined || stranger === undefined) return;
    keys = { keycloak, idp: provider, portal, stranger: { ...stranger, kid: keycloak.kid } };
    outside = createServer((request, response) => {
      const answers: Readonly<Record<string, unknown>> = {
        '/realms/acme/.well-known/openid-configuration': { issuer: realm, jwks_uri: `${realm}/certs` },
        '/realms/acme/certs': { keys: [publicJwkOf(keycloak)] },
        '/idp/keys': { keys: [publicJwkOf(provider)] },
      };
      const answer = answers[request.url ?? ''];
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? {}));
    });
    await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
    const address = outside.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    [realm, idp] = [`http://127.0.0.1:${String(port)}/realms/acme`, `http://127.0.0.1:${String(port)}/idp`];
    const issuers = [
      {
        name: 'keycloak',
        issuer: realm,
        profile: 'keycloak',
        accepts: ['access_token', 'id_token'],
        roles: { operator: 'clerk' },
      },
      { name: 'plain', issuer: `${idp}/plain`, jwks_uri: `${idp}/keys`, accepts: ['jwt'] },
      { name: 'away', issuer: `${idp}/away`, jwks_uri: `${idp}/not-there`, accepts: ['jwt', 'access_token'] },
      {
        name: 'idp',
        issuer: idp,
        jwks_uri: `${idp}/keys`,
        accepts: ['id-jag'],
        roles_claim: ['groups'],
        roles: { 'acme-clerks': 'clerk' },
      },
    ];
    const file = join(folder, 'issuers.json');
    writeFileSync(file, JSON.stringify({ issuers }));
    issuer = await startIssuer({ TRUSTED_ISSUERS_FILE: file });
    const policy = {
      outside_exchange: [
        {
          ...{ subject_issuer: 'keycloak', subject_audience: 'portal-api', subject_scope: 'orders:pay' },
          ...{ audience: 'payments', scopes: ['payments:create'] },
        },
        {
          ...{ subject_issuer: 'keycloak', subject_audience: 'portal-web' },
          ...{ audience: 'payments', scopes: ['payments:read'] },
        },
        { subject_issuer: 'plain', audience: 'payments', scopes: ['payments:create'] },
        { subject_issuer: 'away', audience: 'payments', scopes: ['payments:create'] },
        { subject_issuer: 'idp', audience: 'payments', scopes: ['payments:create', 'payments:read'] },
      ],
    };
    const client = { client_id: 'portal', jwks: { keys: [publicJwkOf(portal)] }, policy };
    expect((await issuer.admin('POST', '/admin/clients', client)).status).toBe(201);
  }, 120_000);
  afterAll(async () => {
    outside.close();
    outside.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
    await issuer.stop();
  }, 60_000);

  const seconds = (): number => Math.floor(Date.now() / 1_000);
  let count = 0;
  const accessToken = (change: Claims = {}, key = keys.keycloak, header: Claims = {}): string => {
    const times = { iat: seconds(), exp: seconds() + 120, jti: `at-${String((count += 1))}` };
    const claims = {
      iss: realm,
      aud: ['portal-api', 'account'],
      sub: 'f1c4f64e',
      typ: 'Bearer',
      azp: 'web',
      sid: 's',
      ...times,
    };
    const roles = { realm_access: { roles: ['operator', 'offline_access'] }, scope: 'openid orders:pay' };
    return signJwt({ typ: 'JWT', kid: key.kid, ...header }, { ...claims, ...roles, ...change }, key);
  };
  const idToken = (change: Claims = {}): string => {
    const times = { iat: seconds(), exp: seconds() + 120, auth_time: seconds() - 5, jti: `id-${String((count += 1))}` };
    const claims = { iss: realm, aud: 'portal-web', azp: 'portal-web', sub: 'f1c4f64e', typ: 'ID', nonce: 'n' };
    return signJwt({ typ: 'JWT', kid: keys.keycloak.kid }, { ...claims, ...times, ...change }, keys.keycloak);
  };
  const identityAssertion = (change: Claims = {}, header: Claims = {}): string => {
    const times = { iat: seconds(), exp: seconds() + 120, jti: `jag-${String((count += 1))}` };
    const claims = { iss: idp, aud: issuer.url, sub: 'ada', client_id: 'portal', groups: ['acme-clerks', 'x'] };
    const typ = { typ: 'oauth-id-jag+jwt', kid: keys.idp.kid };
    return signJwt({ ...typ, ...header }, { ...claims, ...times, ...change }, keys.idp);
  };
  const ask = async (form: Readonly<Record<string, string>>, clientId = 'portal'): Promise<Answer> => {
    const key = clientId === 'payments' ? issuer.keys.payments : keys.portal;
    const assertion = signClientAssertion({ clientId, audience: issuer.url, key });
    const own = { client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: await assertion };
    return issuer.token({ audience: 'payments', ...own, ...form });
  };
  const exchange = (token: string, kind = 'access_token', more: Readonly<Record<string, string>> = {}) =>
    ask({
      ...{ grant_type: TOKEN_EXCHANGE, subject_token: token, subject_token_type: typeOf(kind) },
      ...{ scope: kind === 'id_token' ? 'payments:read' : 'payments:create', ...more },
    });
  const bearer = (assertion: string, more: Readonly<Record<string, string>> = {}) =>
    ask({ grant_type: JWT_BEARER, assertion, scope: 'payments:create', ...more });
  const lastEvent = async (): Promise<Claims> => {
    const { rows } = await issuer.database.query<{ event: Claims }>(
      `select event from audit_outbox_event where event->>'type' like 'countersign.issuer.token.%' order by position desc limit 1`,
    );
    return rows[0]?.event ?? {};
  };

  it('act under their issuer’s name, with declared roles, and the chain is in token and trail', async () => {
    const { status, body } = await exchange(accessToken({ jti: 'theirs' }));
    expect([status, body['scope'], body['issued_token_type']]).toEqual([
      ...[200, 'payments:create', typeOf('access_token')],
    ]);
    const claims = claimsOf(body['access_token']);
    expect(claims).toMatchObject({
      ...{ sub: 'keycloak|f1c4f64e', client_id: 'portal', aud: 'payments', roles: ['clerk'], kind: 'person' },
      act: { sub: 'portal', act: { sub: 'keycloak|web' } },
    });
    expect(claims['txn']).toBe(claims['jti']);
    expect(Number(claims['exp'])).toBeLessThanOrEqual(seconds() + 120);
    expect(await lastEvent()).toMatchObject({
      type: 'countersign.issuer.token.issued.v1',
      data: {
        action: 'token:exchange',
        principal: { subject: 'keycloak|f1c4f64e', client_id: 'portal', actors: ['portal', 'keycloak|web'] },
        changes: { subject_token: 'keycloak|theirs' },
      },
    });
    const onward = await ask(
      {
        ...{ grant_type: TOKEN_EXCHANGE, subject_token: String(body['access_token']) },
        ...{ subject_token_type: typeOf('access_token'), audience: 'accounts', scope: 'transfers:create' },
      },
      'payments',
    );
    expect(claimsOf(onward.body['access_token'])).toMatchObject({
      ...{ sub: 'keycloak|f1c4f64e', roles: ['clerk'], txn: claims['txn'] },
      act: { sub: 'payments', act: { sub: 'portal', act: { sub: 'keycloak|web' } } },
    });
  });

  it('are distinguished from services of their issuer, which act as services', async () => {
    const kindOf = async (change: Claims): Promise<unknown> =>
      claimsOf((await exchange(accessToken(change))).body['access_token'])['kind'];
    expect(await kindOf({})).toBe('person');
    expect(await kindOf({ sid: undefined })).toBe('service');
    expect(await kindOf({ preferred_username: 'service-account-web' })).toBe('service');
  });

  it('can be identified by their ID token if that is declared', async () => {
    const { status, body } = await exchange(idToken(), 'id_token');
    expect([status, body['scope']]).toEqual([200, 'payments:read']);
    expect(claimsOf(body['access_token'])).toMatchObject({ sub: 'keycloak|f1c4f64e', act: { sub: 'portal' } });
    expect((await exchange(idToken(), 'id_token', { scope: 'payments:create' })).body['error']).toBe('invalid_scope');
  });

  it('can be vouched for by an identity assertion, once, whatever the timing of a repeat', async () => {
    const assertion = identityAssertion({ scope: 'payments:create other', auth_time: seconds() - 3 });
    const answers = await Promise.all([bearer(assertion), bearer(assertion), bearer(assertion)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
    const granted = answers.find(({ status }) => status === 200);
    const claims = claimsOf(granted?.body['access_token']);
    expect(claims).toMatchObject({ sub: 'idp|ada', act: { sub: 'portal' }, roles: ['clerk'], kind: 'person' });
    const again = await bearer(assertion);
    expect(again.body).toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringContaining('used before'),
    });
    expect(await lastEvent()).toMatchObject({ data: { outcome: 'denied', reason: 'ASSERTION_REPLAYED' } });
    const narrow = identityAssertion({ scope: 'payments:read' });
    expect((await bearer(narrow)).body['error']).toBe('invalid_scope');
    // What was refused is not used up.
    expect((await bearer(narrow, { scope: 'payments:read' })).status).toBe(200);
    expect((await bearer(identityAssertion({ resource: 'accounts' }))).body['error']).toBe('invalid_target');
    expect((await bearer(identityAssertion({ resource: ['accounts', 'payments'] }))).status).toBe(200);
  });

  it('can be vouched for by a plain assertion, which is neither an ID token nor an access token', async () => {
    const plain = (change: Claims = {}) =>
      bearer(
        identityAssertion({ iss: `${idp}/plain`, client_id: undefined, groups: undefined, ...change }, { typ: 'JWT' }),
      );
    expect(claimsOf((await plain()).body['access_token'])).toMatchObject({ sub: 'plain|ada', kind: 'person' });
    for (const change of [{ nonce: 'n' }, { azp: 'web' }, { typ: 'Bearer' }, { client_id: 'shop' }, { jti: undefined }])
      expect([change, (await plain(change)).body['error']]).toEqual([change, 'invalid_grant']);
  });

  it("may retry if their issuer's keys cannot be fetched: that says nothing about their token", async () => {
    const change = { iss: `${idp}/away`, aud: issuer.url, groups: undefined };
    const answers = [
      await bearer(identityAssertion(change, { typ: 'JWT' })),
      await exchange(accessToken(change, keys.idp, { typ: 'at+jwt' })),
    ];
    for (const { status, body, headers } of answers) {
      expect([status, body['error']]).toEqual([503, 'temporarily_unavailable']);
      expect(headers.get('retry-after')).toBe('5');
    }
  });

  it('get nothing for a token that is not what it should be', async () => {
    const unsigned = accessToken().split('.').slice(0, 2).join('.');
    const hostile: readonly (readonly [string, Promise<Answer>, string])[] = [
      ['another key in its name', exchange(accessToken({}, keys.stranger)), 'invalid_request'],
      ['the key of another declared issuer', exchange(accessToken({}, keys.idp)), 'invalid_request'],
      ['unsigned', exchange(`${unsigned}.`), 'invalid_request'],
      ['another realm', exchange(accessToken({ iss: realm.replace('acme', 'evil') })), 'invalid_request'],
      ['an issuer that nobody declared', exchange(accessToken({ iss: 'https://evil.test' })), 'invalid_request'],
      ['our own name', exchange(accessToken({ iss: issuer.url })), 'invalid_request'],
      ['for another service', exchange(accessToken({ aud: ['others'] })), 'invalid_request'],
      ['without the edge’s scope', exchange(accessToken({ scope: 'openid' })), 'invalid_target'],
      ['for the application, not its service', exchange(accessToken({ aud: 'portal-web' })), 'invalid_scope'],
      [
        'a scope beyond the edge',
        exchange(accessToken(), 'access_token', { scope: 'payments:refund' }),
        'invalid_scope',
      ],
      ['an audience beyond the edge', exchange(accessToken(), 'access_token', { audience: 'audit' }), 'invalid_target'],
      ['expired', exchange(accessToken({ exp: seconds() - 30 })), 'invalid_request'],
      ['nearly over', exchange(accessToken({ exp: seconds() + 2 })), 'invalid_grant'],
      ['an ID token as access token', exchange(idToken({ aud: 'portal-api' })), 'invalid_request'],
      ['an access token as ID token', exchange(accessToken({ aud: 'portal-web' }), 'id_token'), 'invalid_request'],
      ['an ID token of another client', exchange(idToken({ azp: 'other' }), 'id_token'), 'invalid_request'],
      ['a refresh token', exchange(accessToken({ typ: 'Refresh' })), 'invalid_request'],
      ['a type that is not accepted of it', exchange(accessToken(), 'jwt'), 'invalid_request'],
      ['a subject with odd characters', exchange(accessToken({ sub: 'a\u0000b' })), 'invalid_request'],
      ['a subject without end', exchange(accessToken({ sub: 'x'.repeat(511) })), 'invalid_request'],
      ['an endless chain', exchange(accessToken({ act: chainOf(9) })), 'invalid_request'],
      ['a long chain', exchange(accessToken({ act: chainOf(5) })), 'invalid_target'],
      ['an access token as assertion', bearer(accessToken({ aud: issuer.url })), 'invalid_grant'],
      ['an assertion as subject token', exchange(identityAssertion(), 'access_token'), 'invalid_request'],
      ['an assertion for another server', bearer(identityAssertion({ aud: 'https://other.test' })), 'invalid_grant'],
      ['an assertion for several', bearer(identityAssertion({ aud: [issuer.url, 'https://o.test'] })), 'invalid_grant'],
      ['an assertion for another client', bearer(identityAssertion({ client_id: 'shop' })), 'invalid_grant'],
      ['an assertion for no client', bearer(identityAssertion({ client_id: undefined })), 'invalid_grant'],
      ['an assertion without id', bearer(identityAssertion({ jti: undefined })), 'invalid_grant'],
      ['an assertion for a day', bearer(identityAssertion({ exp: seconds() + 86_400 })), 'invalid_grant'],
      ['an assertion of another type', bearer(identityAssertion({}, { typ: 'JWT' })), 'invalid_grant'],
      ['an assertion bound to a key', bearer(identityAssertion({ cnf: { jkt: 'x'.repeat(43) } })), 'invalid_grant'],
      ['no assertion', ask({ grant_type: JWT_BEARER, scope: 'payments:create' }), 'invalid_request'],
      ['no token', bearer('a.b.c'), 'invalid_grant'],
    ];
    for (const [what, answer, error] of hostile) {
      const { status, body } = await answer;
      expect([what, status, body['error'], body['access_token']]).toEqual([what, 400, error, undefined]);
    }
    // Their roles do not count here unless they are declared.
    const roles = { realm_access: { roles: ['admin', 'clerk', '__proto__', 'constructor'] } };
    expect(claimsOf((await exchange(accessToken(roles))).body['access_token'])['roles']).toBeUndefined();
  });

  it('get nothing through a client without an edge for their issuer', async () => {
    const form = {
      grant_type: TOKEN_EXCHANGE,
      subject_token: accessToken(),
      subject_token_type: typeOf('access_token'),
    };
    const { body } = await ask({ ...form, scope: 'transfers:create', audience: 'accounts' }, 'payments');
    expect(body['error']).toBe('invalid_target');
    const other = await ask(
      { grant_type: JWT_BEARER, assertion: identityAssertion({ client_id: 'payments' }), scope: 'a' },
      'payments',
    );
    expect(other.body['error']).toBe('invalid_grant');
  });

  it('are refused once they are revoked here', async () => {
    const token = accessToken({ sub: 'leaver' });
    expect((await exchange(token)).status).toBe(200);
    const revoked = await issuer.admin('POST', '/admin/revocations', { kind: 'subject', subject: 'keycloak|leaver' });
    expect(revoked.status).toBe(201);
    expect((await exchange(token)).body['error']).toBe('invalid_request');
    expect((await exchange(accessToken())).status).toBe(200);
  });
});

function chainOf(length: number): object {
  let act: object = { sub: 'a0' };
  for (let at = 1; at < length; at += 1) act = { sub: `a${String(at)}`, act };
  return act;
}
