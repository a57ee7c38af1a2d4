import { signClientAssertion, CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('the parameters of a token request', () => {
  let issuer: IssuerUnderTest;
  const requested = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer();
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('count as omitted when they have no value', async () => {
    const empty = { resource: '', client_id: '', client_secret: '', requested_token_type: '', actor_token: '' };
    expect((await issuer.token({ ...requested, ...empty })).status).toBe(200);
    expect((await issuer.token({ ...requested, audience: '', resource: 'payments' })).status).toBe(200);
    expect((await issuer.token({ ...requested, grant_type: '' })).body['error_description']).toBe(
      'grant_type is missing',
    );
    const body = new URLSearchParams({ token: '' });
    const answer = await fetch(`${issuer.url}/oauth2/introspect`, { method: 'POST', body });
    expect(await answer.json()).toEqual({ error: 'invalid_request', error_description: 'token is missing' });
  });

  it.each(['token', 'revoke', 'introspect'])('come to the %s endpoint as a form, not as JSON', async (door) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...requested, grant_type: 'client_credentials', token: 'x' });
    const answer = await fetch(`${issuer.url}/oauth2/${door}`, { method: 'POST', headers, body });
    expect([answer.status, await answer.json()]).toEqual([
      415,
      { error: 'invalid_request', error_description: 'Send application/x-www-form-urlencoded.' },
    ]);
  });

  it('contain no text that the trail cannot store, and an invalid name is not repeated there', async () => {
    const odd = await fetch(`${issuer.url}/oauth2/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: 'x', client_id: 'a\u0000' }),
    });
    expect([odd.status, Object(await odd.json())['error']]).toEqual([400, 'invalid_request']);
    const name = encodeURIComponent('a\u0000\u001b[31m');
    for (const door of ['token', 'revoke', 'introspect']) {
      const headers = { authorization: `Basic ${Buffer.from(`${name}:x`).toString('base64')}` };
      const body = new URLSearchParams({ grant_type: 'client_credentials', token: 'x' });
      const answer = await fetch(`${issuer.url}/oauth2/${door}`, { method: 'POST', headers, body });
      expect(answer.status).toBe(401);
    }
    const half = await signClientAssertion({ clientId: 'a\ud800', audience: issuer.url, key: issuer.keys.shop });
    const form = { token: 'x', client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: half };
    const halved = await fetch(`${issuer.url}/oauth2/revoke`, { method: 'POST', body: new URLSearchParams(form) });
    expect(halved.status).toBe(401);
    const { rows } = await issuer.database.query<{ event: string }>(
      `select event::text from audit_outbox_event where event::text like '%not-a-name%'`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(1);
  });

  it('name the client of the Authorization header, if they name one', async () => {
    const headers = { authorization: `Basic ${Buffer.from('legacy:x').toString('base64')}` };
    const { status, body } = await issuer.token({ ...requested, client_id: 'shop' }, issuer.url, headers);
    expect([status, body['error']]).toEqual([400, 'invalid_request']);
  });
});
