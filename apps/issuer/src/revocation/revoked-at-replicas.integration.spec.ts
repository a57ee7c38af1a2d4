import { decodeJwt } from 'jose';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

/** Tries of what would pass now and then. */
const TRIES = 12;

describe('what is revoked at one replica', () => {
  let issuer: IssuerUnderTest;
  let here: string;
  let there: string;

  beforeAll(async () => {
    issuer = await startIssuer({}, 2);
    [here = '', there = ''] = issuer.urls;
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  async function newToken(at = here): Promise<string> {
    const { body } = await issuer.token({ audience: 'payments', scope: 'payments:create' }, at);
    return String(body['access_token']);
  }
  const exchange = async (token: string, at: string) =>
    issuer.token(
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'accounts',
        scope: 'transfers:create',
        ...(await issuer.credentials('payments')),
      },
      at,
    );
  async function active(token: string, by: 'shop' | 'payments', at = there): Promise<unknown> {
    const body = new URLSearchParams({ token, ...(await issuer.credentials(by)) });
    const answer: unknown = await (await fetch(`${at}/oauth2/introspect`, { method: 'POST', body })).json();
    return typeof answer === 'object' && answer !== null && 'active' in answer ? answer.active : answer;
  }

  it('a disabled client: once disabled, its token is exchanged at no other replica', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < TRIES; count += 1) {
      const token = await newToken();
      expect((await issuer.admin('POST', '/admin/clients/shop/disable', undefined, here)).status).toBeLessThan(300);
      statuses.push((await exchange(token, there)).status);
      await issuer.admin('POST', '/admin/clients/shop/enable', undefined, here);
    }
    expect(new Set(statuses)).toEqual(new Set([400]));
  }, 60_000);

  it('a token and its derivatives: none works at another, and none can be exchanged', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < TRIES; count += 1) {
      const token = await newToken();
      const derived = String((await exchange(token, there)).body['access_token']);
      expect([await active(token, 'shop'), await active(derived, 'payments')]).toEqual([true, true]);
      const { jti } = decodeJwt(token);
      const requested = { kind: 'token', jti, txn: jti, with_derived: true };
      expect((await issuer.admin('POST', '/admin/revocations', requested, here)).status).toBe(201);
      statuses.push((await exchange(token, there)).status);
      expect([await active(token, 'shop'), await active(derived, 'payments')]).toEqual([false, false]);
    }
    expect(new Set(statuses)).toEqual(new Set([400]));
  }, 60_000);

  it('an actor: the tokens that it obtained by exchange are inactive everywhere, the original token is not', async () => {
    const token = await newToken();
    const derived = String((await exchange(token, there)).body['access_token']);
    await issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id: 'payments' }, here);
    expect([await active(token, 'shop'), await active(derived, 'payments')]).toEqual([true, false]);
    expect(await active(String((await exchange(token, there)).body['access_token']), 'payments')).toBe(true);
  }, 60_000);

  it('a client: a token it gets immediately afterwards, anywhere, is valid, although the second is the same', async () => {
    for (let count = 0; count < TRIES; count += 1) {
      const before = await newToken(there);
      await issuer.admin('POST', '/admin/revocations', { kind: 'client', client_id: 'shop' }, here);
      const after = [await newToken(there), await newToken(here)];
      expect(await active(before, 'shop')).toBe(false);
      for (const token of after) expect(await active(token, 'shop')).toBe(true);
    }
  }, 60_000);

  it.each([
    ['an administrator’s token: no other takes it', '/admin/keys'],
    ['an administrator’s token: no other takes it, however the path is written', '/%61dmin/keys'],
  ])(
    '%s',
    async (_, path) => {
      const codes: unknown[] = [];
      for (let count = 0; count < TRIES; count += 1) {
        const form = { audience: 'issuer', scope: 'issuer:admin', ...(await issuer.credentials('operator')) };
        const token = String((await issuer.token(form, there)).body['access_token']);
        const ask = () => fetch(`${there}${path}`, { headers: { authorization: `Bearer ${token}` } });
        expect((await ask()).status).toBe(200);
        await issuer.admin('POST', '/admin/revocations', { kind: 'token', jti: decodeJwt(token).jti }, here);
        codes.push((await ask()).status);
      }
      expect(new Set(codes)).toEqual(new Set([401]));
    },
    60_000,
  );

  it('while tokens are revoked all the time: tokens are issued and exchanged, and nobody waits for the flood to end', async () => {
    let over = false;
    const flood = Array.from({ length: 4 }, async () => {
      while (!over) await issuer.admin('POST', '/admin/revocations', { kind: 'token', jti: crypto.randomUUID() }, here);
    });
    const statuses: number[] = [];
    for (let count = 0; count < 40; count += 1) statuses.push((await exchange(await newToken(there), there)).status);
    over = true;
    await Promise.all(flood);
    expect(new Set(statuses)).toEqual(new Set([200]));
  }, 120_000);
});
