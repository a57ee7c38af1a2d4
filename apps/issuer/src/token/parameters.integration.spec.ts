import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('the parameters of a token request', () => {
  let issuer: IssuerUnderTest;
  const wish = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer();
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('are as left out when they have no value', async () => {
    const empty = { resource: '', client_id: '', client_secret: '', requested_token_type: '', actor_token: '' };
    expect((await issuer.token({ ...wish, ...empty })).status).toBe(200);
    expect((await issuer.token({ ...wish, audience: '', resource: 'payments' })).status).toBe(200);
    expect((await issuer.token({ ...wish, grant_type: '' })).body['error_description']).toBe('grant_type is missing');
    const body = new URLSearchParams({ token: '' });
    const answer = await fetch(`${issuer.url}/oauth2/introspect`, { method: 'POST', body });
    expect(await answer.json()).toEqual({ error: 'invalid_request', error_description: 'token is missing' });
  });

  it('name the client of the Authorization header, if they name one', async () => {
    const headers = { authorization: `Basic ${Buffer.from('legacy:x').toString('base64')}` };
    const { status, body } = await issuer.token({ ...wish, client_id: 'shop' }, issuer.url, headers);
    expect([status, body['error']]).toEqual([400, 'invalid_request']);
  });
});
