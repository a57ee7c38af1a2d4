import { outboxFaults } from '@countersign/test-kit';
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { events } from './events.js';
import { startIssuer, type Answer, type IssuerUnderTest } from './testing/issuer-under-test.js';

const eventSchema = z.object({
  type: z.string(),
  subject: z.string(),
  traceparent: z.string(),
  data: z.object({
    principal: z.object({ subject: z.string(), jti: z.string() }).nullable(),
    txn: z.string().nullable(),
    action: z.string(),
    resource: z.string(),
    outcome: z.string(),
    reason: z.string().optional(),
    request: z.object({ id: z.string() }).optional(),
  }),
});
type Event = z.infer<typeof eventSchema>;

describe('what the issuer records', () => {
  let issuer: IssuerUnderTest;
  const requested = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer();
  }, 180_000);
  afterAll(() => issuer.stop(), 60_000);

  async function recorded(): Promise<readonly Event[]> {
    const { rows } = await issuer.database.query('select event from audit_outbox_event order by position');
    return z
      .array(z.object({ event: eventSchema }))
      .parse(rows)
      .map(({ event }) => event);
  }
  /** What an act adds to the trail, without the token that an administrator needs for it. */
  async function during(act: () => Promise<unknown>): Promise<readonly Event[]> {
    await issuer.admin('GET', '/admin/keys');
    const before = (await recorded()).length;
    await act();
    return (await recorded()).slice(before);
  }
  const shown = ({ type, data: { resource, outcome, reason } }: Event) => [
    type.replace(/^countersign\.issuer\.|\.v1$/g, ''),
    resource,
    outcome,
    reason,
  ];
  async function oauth(endpoint: 'revoke' | 'introspect', token: string, client: 'shop' | 'payments' = 'shop') {
    const body = new URLSearchParams({
      token,
      ...(await issuer.credentials(client)),
    });
    return fetch(`${issuer.url}/oauth2/${endpoint}`, { method: 'POST', body });
  }
  async function newToken(): Promise<{ readonly token: string; readonly jti: string; readonly txn: string }> {
    const token = String((await issuer.token(requested)).body['access_token']);
    const { jti, txn } = z.object({ jti: z.string(), txn: z.string() }).parse(decodeJwt(token));
    return { token, jti, txn };
  }

  it('of a disabled client and of the revocation with it is found under one resource, in one transaction', async () => {
    const done = await during(() => issuer.admin('POST', '/admin/clients/shop/disable'));
    await issuer.admin('POST', '/admin/clients/shop/enable');
    expect(done.map(shown)).toEqual([
      ['client.disabled', 'client/shop', 'allowed', undefined],
      ['client.revoked', 'client/shop', 'allowed', undefined],
    ]);
    const [first, second] = done;
    expect(first?.data.txn).not.toBeNull();
    expect(second?.data).toMatchObject({ txn: first?.data.txn, principal: { subject: 'operator' } });
    expect(second?.data.request).toEqual(first?.data.request);
  });

  it('of a token that its client revokes is in the transaction of the token', async () => {
    const { token, jti, txn } = await newToken();
    const done = await during(() => oauth('revoke', token));
    expect(done.map(shown)).toEqual([['transaction.revoked', `transaction/${jti}`, 'allowed', undefined]]);
    expect(done[0]?.data).toMatchObject({ txn, principal: { subject: 'shop' } });
    const again = await during(async () => {
      expect((await oauth('revoke', token)).status).toBe(200);
      expect((await oauth('revoke', 'nonsense')).status).toBe(200);
    });
    expect(again.map(shown)).toEqual([
      ['token.revoke_ignored', `token/${jti}`, 'failed', 'TOKEN_REVOKED'],
      ['token.revoke_ignored', 'token/unknown', 'failed', 'TOKEN_UNKNOWN'],
    ]);
  });

  it('of introspection says who asked about which token, including what the caller does not see', async () => {
    const { token, jti, txn } = await newToken();
    const done = await during(async () => {
      await oauth('introspect', token);
      await oauth('introspect', token, 'payments');
      await oauth('introspect', 'nonsense');
      await oauth('revoke', token);
      await oauth('introspect', token);
    });
    const introspected = done.filter(({ type }) => type.includes('introspected'));
    expect(introspected.map(shown)).toEqual([
      ['token.introspected', `token/${jti}`, 'allowed', undefined],
      ['token.introspected', `token/${jti}`, 'allowed', undefined],
      ['token.introspected', 'token/unknown', 'failed', 'TOKEN_UNKNOWN'],
      ['token.introspected', `token/${jti}`, 'failed', 'TOKEN_REVOKED'],
    ]);
    expect(introspected.map(({ data }) => data.txn)).toEqual([txn, txn, expect.stringMatching(/^[0-9a-f-]{36}$/), txn]);
    expect(introspected.map(({ data }) => data.principal?.subject)).toEqual(['shop', 'payments', 'shop', 'shop']);
  });

  it('of introspection by a stranger is a denial, while the stranger gets the response for an unknown token', async () => {
    const operator = String(
      (
        await issuer.token({
          audience: 'issuer',
          scope: 'issuer:admin',
          ...(await issuer.credentials('operator')),
        })
      ).body['access_token'],
    );
    const done = await during(async () => {
      expect(await (await oauth('introspect', operator)).json()).toEqual({ active: false });
    });
    expect(done.map(({ data }) => [data.outcome, data.reason])).toEqual([['denied', 'NOT_THE_CLIENTS_TOKEN']]);
  });

  it('of a change that is refused names what was to change, and why it was not', async () => {
    const refusals: Answer[] = [];
    const ask = async (method: string, path: string, body?: object): Promise<void> => {
      refusals.push(await issuer.admin(method, path, body));
    };
    const nobody = 'A'.repeat(43);
    const { keys } = z
      .object({ keys: z.array(z.object({ kid: z.string(), state: z.string() })) })
      .parse((await issuer.admin('GET', '/admin/keys')).body);
    const active = keys.find(({ state }) => state === 'active')?.kid ?? '';
    const { client_id, jwks } = (await issuer.admin('GET', '/admin/clients/shop')).body;
    const done = await during(async () => {
      await ask('GET', '/admin/clients/nobody');
      await ask('POST', '/admin/clients', { client_id, jwks });
      await ask('PUT', '/admin/clients/shop', { client_id: 'other', jwks });
      await ask('DELETE', '/admin/clients/shop/keys/nobody');
      await ask('POST', '/admin/clients/nobody/disable');
      await ask('POST', '/admin/keys/rotate');
      await ask('POST', `/admin/keys/${nobody}/revoke`);
      await ask('POST', `/admin/revocation-keys/${nobody}/revoke`);
      await ask('POST', '/admin/revocations', { kind: 'key', kid: active });
      await ask('POST', '/admin/revocations', {
        kind: 'client',
        client_id: 'shop',
        issued_before: '2999-01-01T00:00:00Z',
      });
    });
    expect(refusals.map(({ status, body }) => [status, body['code']])).toEqual([
      [404, 'CLIENT_UNKNOWN'],
      [409, 'CLIENT_EXISTS'],
      [422, 'CLIENT_ID_DIFFERS'],
      [404, 'KEY_UNKNOWN'],
      [404, 'CLIENT_UNKNOWN'],
      [409, 'KEY_NOT_YET_PUBLISHED'],
      [404, 'KEY_UNKNOWN'],
      [404, 'KEY_UNKNOWN'],
      [409, 'KEY_IN_USE'],
      [422, 'TIME_IN_FUTURE'],
    ]);
    expect(done.map(shown)).toEqual([
      ['client.looked-at', 'client/nobody', 'failed', 'CLIENT_UNKNOWN'],
      ['client.change_refused', 'client/shop', 'failed', 'CLIENT_EXISTS'],
      ['client.change_refused', 'client/shop', 'failed', 'CLIENT_ID_DIFFERS'],
      ['client.change_refused', 'client/shop', 'failed', 'KEY_UNKNOWN'],
      ['client.change_refused', 'client/nobody', 'failed', 'CLIENT_UNKNOWN'],
      ['signing-key.change_refused', 'signing-key/*', 'failed', 'KEY_NOT_YET_PUBLISHED'],
      ['signing-key.change_refused', `signing-key/${nobody}`, 'failed', 'KEY_UNKNOWN'],
      ['revocation-key.change_refused', `revocation-key/${nobody}`, 'failed', 'KEY_UNKNOWN'],
      ['revocation.refused', `signing-key/${active}`, 'failed', 'KEY_IN_USE'],
      ['revocation.refused', 'client/shop', 'failed', 'TIME_IN_FUTURE'],
    ]);
  });

  it('of a signing key that is revoked, and of the keys that are made for it, is found under the key, in one transaction', async () => {
    const { keys } = z
      .object({ keys: z.array(z.object({ kid: z.string(), state: z.string() })) })
      .parse((await issuer.admin('GET', '/admin/keys')).body);
    const kidOf = (wanted: string): string => keys.find(({ state }) => state === wanted)?.kid ?? '';
    const [active, pending] = [kidOf('active'), kidOf('pending')];
    const done = await during(() => issuer.admin('POST', `/admin/keys/${active}/revoke`));
    expect(done.map(shown)).toEqual([
      ['signing-key.revoked', `signing-key/${active}`, 'allowed', undefined],
      ['key.revoked', `signing-key/${active}`, 'allowed', undefined],
      ['signing-key.rotated', `signing-key/${pending}`, 'allowed', undefined],
      ['signing-key.created', expect.stringMatching(/^signing-key\/[\w-]{43}$/), 'allowed', undefined],
    ]);
    expect(new Set(done.map(({ data }) => data.txn)).size).toBe(1);
    expect(done[0]?.data.txn).not.toBeNull();
    // Nobody asked for the last one.
    expect(done.map(({ data }) => data.principal?.subject)).toEqual(['operator', 'operator', 'operator', undefined]);
  });

  it('of what is revoked is read by an administrator, and that is recorded', async () => {
    const done = await during(() => issuer.admin('GET', '/admin/revocations'));
    expect(done.map(shown)).toEqual([['revocations.listed', 'revocation/*', 'allowed', undefined]]);
  });

  it('of a comparison of declared clients that changes nothing says so', async () => {
    const done = await during(() => issuer.admin('POST', '/admin/clients/apply', { clients: [], dry_run: true }));
    expect(done.map(shown)).toEqual([['client.compared', 'client/*', 'allowed', undefined]]);
  });

  it('matches the catalogue, is about <kind>/<id>, and is in a transaction if a request caused it', async () => {
    expect(await outboxFaults(issuer.database, events)).toEqual([]);
    expect(new Set((await recorded()).map(({ type }) => type)).size).toBeGreaterThan(15);
  });

  it('normalises an id that was sent in capitals', async () => {
    const id = '01A21C83-CD53-7867-8886-2C813DCCBBA4';
    const done = await during(async () => {
      await issuer.admin('POST', `/admin/delegations/${id}/end`);
      await issuer.admin('POST', `/admin/api-keys/${id}/revoke`, {});
      await issuer.admin('GET', `/admin/revocations/preview?kind=api-key&name=${id}`);
      await issuer.admin('GET', `/admin/revocations/preview?kind=transaction&name=${id}`);
      await issuer.admin('POST', '/admin/revocations', { kind: 'transaction', txn: id });
    });
    const canonical = id.toLowerCase();
    expect(done.map(({ data }) => data.resource)).toEqual([
      `delegation/${canonical}`,
      `api-key/${canonical}`,
      `api-key/${canonical}`,
      `transaction/${canonical}`,
      `transaction/${canonical}`,
    ]);
  });
});
