import { createDpopProof, generateSigningKey, thumbprintOf } from '@countersign/auth-core';
import { newPkce } from '@countersign/people-provider';
import { applications, basic, REDIRECT, registerApplications } from '../testing/applications.js';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';
import { signedIn, type SignedIn } from '../testing/signed-in.js';
import { hiddenFields, open, submit } from '../testing/visit.js';

describe('a pushed request', () => {
  let issuer: IssuerUnderTest;
  let other: string;
  let ada: SignedIn;
  let secret: string;
  const { challenge, verifier } = newPkce();
  const parameters = {
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'payments:create',
    resource: 'payments',
    state: 's-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  };
  type Form = Readonly<Record<string, string>>;

  beforeAll(async () => {
    issuer = await startIssuer({}, 2);
    other = issuer.urls[1] ?? '';
    secret = await registerApplications(issuer);
    const { planner } = applications;
    const strict = { ...planner, client_id: 'strict', require_pushed_authorization_requests: true, trusted: true };
    expect((await issuer.admin('POST', '/admin/clients', strict)).status).toBe(201);
    ada = await signedIn(issuer.app, issuer.url);
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const post = async (path: string, form: Form, headers: Form = {}, at = issuer.url) => {
    const response = await fetch(`${at}${path}`, { method: 'POST', body: new URLSearchParams(form), headers });
    const json: unknown = await response.json();
    const body: Form = Object.fromEntries(Object.entries(json ?? {}));
    return { status: response.status, body };
  };
  const push = (change: Form = {}, headers: Form = {}) =>
    post('/oauth2/par', { ...parameters, client_id: 'strict', ...change }, headers);
  const visit = (request_uri: string, client_id = 'strict', more: Form = {}, at = issuer.url) =>
    open(`${at}/oauth2/authorize?${new URLSearchParams({ client_id, request_uri, ...more }).toString()}`, ada);

  it('is used by its name at any replica, whatever else the browser sends, and answered once', async () => {
    const { status, body } = await push();
    expect([status, body['expires_in']]).toEqual([201, 90]);
    const uri = body['request_uri'] ?? '';
    const more = { redirect_uri: 'https://evil.example/', scope: 'payments:refund', state: 'other' };
    const { location } = await visit(uri, 'strict', more, other);
    expect([location?.origin, location?.searchParams.get('state')]).toEqual(['https://planner.example', 's-1']);
    const code = location?.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id: 'strict' };
    expect(await post('/oauth2/token', form)).toMatchObject({ status: 200, body: { scope: 'payments:create' } });
    expect((await visit(uri)).status).toBe(400);
  });

  it('belongs to its client, and to nobody who guesses', async () => {
    const uri = (await push()).body['request_uri'] ?? '';
    for (const [name, client] of [
      [uri, 'planner'],
      [`${uri.slice(0, -1)}_`, 'strict'],
    ] as const) {
      expect([(await visit(name, client)).status, (await visit(name, client)).location]).toEqual([400, undefined]);
    }
  });

  it('expires after 90 seconds unless a browser has used it', async () => {
    const uri = (await push()).body['request_uri'] ?? '';
    await issuer.database.query(`update authorization_request set expires_at = now() where shown_at is null`);
    expect((await visit(uri)).status).toBe(400);
  });

  it('is required from a client that must push', async () => {
    const query = new URLSearchParams({ ...parameters, client_id: 'strict' }).toString();
    const { location } = await open(`${issuer.url}/oauth2/authorize?${query}`, ada);
    expect(location?.searchParams.get('error')).toBe('invalid_request');
  });

  it('of a confidential client needs its credentials; that of a service is refused', async () => {
    const books = { redirect_uri: 'https://books.example/cb' };
    expect((await push({ ...books, client_id: 'bookkeeper' })).body['error']).toBe('invalid_client');
    const form = { ...parameters, ...books };
    expect((await post('/oauth2/par', form, basic('bookkeeper', 'wrong'))).body['error']).toBe('invalid_client');
    const { status, body } = await post('/oauth2/par', form, basic('bookkeeper', secret), other);
    expect(status).toBe(201);
    const page = await visit(body['request_uri'] ?? '', 'bookkeeper');
    const answer = await submit(`${other}/consent`, { ...hiddenFields(page), decision: 'allow' }, ada);
    expect(answer.location?.host).toBe('books.example');
    const signed = { ...parameters, ...(await issuer.credentials()) };
    expect((await post('/oauth2/par', signed)).body['error']).toBe('unauthorized_client');
  });

  it.each([
    ['an undeclared redirect', { redirect_uri: 'https://evil.example/' }, 'invalid_request'],
    ['no redirect', { redirect_uri: '' }, 'invalid_request'],
    ['a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'invalid_request'],
    ['PKCE by plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['a scope that is not its', { scope: 'payments:admin' }, 'invalid_scope'],
    ['a request object', { request: 'ey.ey.ey' }, 'request_not_supported'],
    ['two services', { resource: 'payments https://accounts.example' }, 'invalid_target'],
    ['an implicit answer', { response_type: 'token' }, 'unsupported_response_type'],
  ])('with %s is refused immediately', async (_, change, error) => {
    const { status, body } = await push(change);
    expect([status, body['error']]).toEqual([400, error]);
  });

  it('with a proof binds the code to its key; the proof works once, and its key must match dpop_jkt', async () => {
    const [key, thief] = [await generateSigningKey(), await generateSigningKey()];
    const url = `${issuer.url}/oauth2/par`;
    const dpop = await createDpopProof({ key, method: 'POST', url });
    expect((await push({ dpop_jkt: thumbprintOf(thief) }, { dpop })).body['error']).toBe('invalid_dpop_proof');
    const elsewhere = { dpop: createDpopProof({ key, method: 'POST', url: `${issuer.url}/oauth2/token` }) };
    expect((await push({}, elsewhere)).body['error']).toBe('invalid_dpop_proof');
    const { body } = await push({}, { dpop });
    expect((await push({}, { dpop })).body['error']).toBe('invalid_dpop_proof');
    // A proof that was used here is used at every replica.
    const again = await post('/oauth2/par', { ...parameters, client_id: 'strict' }, { dpop }, other);
    expect(again.body['error']).toBe('invalid_dpop_proof');
    const { location } = await visit(body['request_uri'] ?? '');
    const code = location?.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id: 'strict' };
    const proof = async (of: typeof key) => ({
      dpop: await createDpopProof({ key: of, method: 'POST', url: `${issuer.url}/oauth2/token` }),
    });
    expect((await post('/oauth2/token', form, await proof(thief))).body['error']).toBe('invalid_grant');
    expect((await post('/oauth2/token', form, await proof(key))).body['token_type']).toBe('DPoP');
  });

  it('ends in a token that only its application can revoke, with everything that the person allowed', async () => {
    const { location } = await visit((await push()).body['request_uri'] ?? '');
    const code = location?.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier, client_id: 'strict' };
    const token = (await post('/oauth2/token', form)).body['access_token'] ?? '';
    const { body } = await post('/oauth2/introspect', { token, ...(await issuer.credentials('payments')) });
    expect(body).toMatchObject({ active: true, kind: 'person', sub: ada.session.person.id, amr: ['pwd'] });
    expect((await post('/oauth2/introspect', { token, client_id: 'strict' })).body['error']).toBe('invalid_client');
    const revoke = (client_id: string) =>
      fetch(`${issuer.url}/oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token, client_id }) });
    expect((await revoke('planner')).status).toBe(400);
    expect((await revoke('strict')).status).toBe(200);
    expect((await post('/oauth2/introspect', { token, ...(await issuer.credentials('payments')) })).body).toEqual({
      active: false,
    });
    const { rows } = await issuer.database.query<{ because: string }>(
      `select ended_because as because from delegation where client_id = 'strict' and ended_at is not null`,
    );
    expect(rows).toEqual([{ because: 'BY_CLIENT' }]);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(
      expect.arrayContaining(['authorization-request.pushed allowed', 'authorization-request.push_refused denied']),
    );
  });
});
