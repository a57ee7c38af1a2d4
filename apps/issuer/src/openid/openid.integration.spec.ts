import {
  createDpopProof,
  createVerifier,
  generateSigningKey,
  type TokenError,
  type PrivateJwk,
  type VerifierOptions,
} from '@countersign/auth-core';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { basic, registerApplications } from '../testing/applications.js';
import { granted, type TestClient } from '../testing/granted.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';

describe('OpenID Connect for applications', () => {
  let issuer: IssuerUnderTest;
  let ada: SignedIn;
  let bookkeeper: TestClient;
  let key: PrivateJwk;
  const all = ['openid', 'profile', 'email'];

  beforeAll(async () => {
    issuer = await startIssuer();
    bookkeeper = { clientId: 'bookkeeper', headers: basic('bookkeeper', await registerApplications(issuer)) };
    key = await generateSigningKey();
    ada = await signedIn(issuer.app, issuer.url, 'ada', { acr: 'urn:example:strong' });
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const identity = (scopes: readonly string[], asking = bookkeeper) =>
    granted(issuer, ada, asking, { audience: 'issuer', scopes });
  const userInfo = async (headers: Readonly<Record<string, string>>, method = 'GET', form?: URLSearchParams) => {
    const sent = { method, headers, ...(form === undefined ? {} : { body: form }) };
    const response = await fetch(`${issuer.url}/oauth2/userinfo`, sent);
    const body: unknown = await response.json();
    return { status: response.status, body, challenge: response.headers.get('www-authenticate') };
  };

  it('says who signed in by an ID token that anybody can verify by the published keys', async () => {
    const { body } = await identity(all);
    const keys = createRemoteJWKSet(new URL(`${issuer.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(String(body['id_token']), keys, {
      ...{ issuer: issuer.url, audience: 'bookkeeper', typ: 'JWT' },
    });
    const { session } = ada;
    expect(payload).toMatchObject({
      ...{ sub: session.person.id, nonce: 'n-1', acr: 'urn:example:strong', amr: ['pwd'], sid: session.id },
      ...{ name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true },
      auth_time: Math.floor(session.authenticatedAt.getTime() / 1_000),
    });
    expect(payload.exp).toBe((payload.iat ?? 0) + 300);
    expect(protectedHeader.kid).toBe(decodeProtectedHeader(String(body['access_token'])).kid);
  });

  it('says no more than the scopes allow, and nothing without openid', async () => {
    const { body } = await identity(['openid']);
    const claims = decodeJwt(String(body['id_token']));
    expect([claims['name'], claims['email']]).toEqual([undefined, undefined]);
    const rights = await granted(issuer, ada, bookkeeper, { scopes: ['payments:create'] });
    expect([rights.status, rights.body['id_token']]).toEqual([200, undefined]);
  });

  it('never has an ID token accepted as an access token, by any verifier, endpoint or grant', async () => {
    const { body } = await identity(all);
    const idToken = String(body['id_token']);
    const settings: VerifierOptions = { issuer: issuer.url, audience: 'bookkeeper', allowPlainHttp: true };
    for (const profile of [undefined, 'rfc9068'] as const) {
      const jwksUrl = `${issuer.url}/.well-known/jwks.json`;
      const verifier = await createVerifier({ ...settings, jwksUrl, ...(profile === undefined ? {} : { profile }) });
      await expect(verifier.verifyWithRefresh(idToken)).rejects.toThrow(
        expect.objectContaining({ code: 'TYP_NOT_ALLOWED' }) as TokenError,
      );
      verifier.close();
    }
    expect((await userInfo({ authorization: `Bearer ${idToken}` })).status).toBe(401);
    const exchange = await issuer.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      ...{ subject_token: idToken, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      ...{ audience: 'accounts', scope: 'transfers:create' },
    });
    expect([exchange.status, exchange.body['error']]).toEqual([400, 'invalid_request']);
    const asked = await fetch(`${issuer.url}/oauth2/introspect`, {
      ...{ method: 'POST', body: new URLSearchParams({ token: idToken }) },
      ...(bookkeeper.headers === undefined ? {} : { headers: bookkeeper.headers }),
    });
    expect(await asked.json()).toEqual({ active: false });
    const assertion = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };
    const form = { ...assertion, client_assertion: idToken, audience: 'payments', scope: 'payments:create' };
    expect((await issuer.token(form)).body['error']).toBe('invalid_client');
  });

  it('says who the person is, by GET and POST, and records it', async () => {
    const { body, id } = await identity(all);
    const headers = { authorization: `Bearer ${String(body['access_token'])}` };
    // Some clients send a form, empty or with their token again; a token in it alone is none.
    const form = new URLSearchParams({ access_token: String(body['access_token']) });
    expect((await userInfo({}, 'POST', form)).status).toBe(401);
    for (const [method, sent] of [['GET'], ['POST'], ['POST', new URLSearchParams()], ['POST', form]] as const) {
      expect(await userInfo(headers, method, sent)).toMatchObject({
        status: 200,
        body: { sub: ada.session.person.id, name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true },
      });
    }
    const { rows } = await issuer.database.query<{ n: string }>(
      `select count(*)::text as n from audit_outbox_event
        where event->>'type' = 'countersign.issuer.userinfo.read.v1' and event->'data'->>'txn' = $1`,
      [id],
    );
    expect(rows).toEqual([{ n: '4' }]);
  });

  it('refuses everybody else: no token, another service’s token, a service for itself, a disabled person', async () => {
    expect((await userInfo({})).status).toBe(401);
    const payments = await granted(issuer, ada, bookkeeper);
    expect(await userInfo({ authorization: `Bearer ${String(payments.body['access_token'])}` })).toMatchObject({
      status: 401,
      body: { error_description: 'the token is for another audience.' },
    });
    const dave = await signedIn(issuer.app, issuer.url, 'dave');
    const { body } = await granted(issuer, dave, bookkeeper, { audience: 'issuer', scopes: ['openid'] });
    await issuer.database.query(`update person set disabled_at = now(), disabled_by = 'x' where id = $1`, [
      dave.session.person.id,
    ]);
    const answer = await userInfo({ authorization: `Bearer ${String(body['access_token'])}` });
    expect(answer).toMatchObject({
      status: 403,
      body: { error_description: expect.stringContaining('unknown here') },
    });
  });

  it('accepts no bound token as a bearer token', async () => {
    const { body } = await identity(['openid'], { ...bookkeeper, key });
    const token = String(body['access_token']);
    expect((await userInfo({ authorization: `Bearer ${token}` })).status).toBe(401);
  });

  it('accepts a bound token with a proof of its key for this URL', async () => {
    const { body } = await identity(['openid'], { ...bookkeeper, key });
    const token = String(body['access_token']);
    const proven = (url: string) => {
      const dpop = createDpopProof({ key, method: 'GET', url, accessToken: token });
      return userInfo({ authorization: `DPoP ${token}`, dpop });
    };
    expect(await proven(`${issuer.url}/oauth2/userinfo`)).toMatchObject({
      ...{ status: 200, body: { sub: ada.session.person.id } },
    });
    expect((await proven('https://elsewhere.example/oauth2/userinfo')).status).toBe(401);
  });

  it('describes itself the same in both documents', async () => {
    const read = async (name: string): Promise<unknown> => (await fetch(`${issuer.url}/.well-known/${name}`)).json();
    const [oauth, openid] = [await read('oauth-authorization-server'), await read('openid-configuration')];
    expect(openid).toMatchObject(Object(oauth));
    expect(openid).toMatchObject({
      issuer: issuer.url,
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      scopes_supported: expect.arrayContaining(['openid', 'profile', 'email', 'offline_access']),
    });
  });
});
