import { scryptSync } from 'node:crypto';
import { signClientAssertion, CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('the limits of client authentication at two replicas', () => {
  let issuer: IssuerUnderTest;
  const requested = { audience: 'payments', scope: 'payments:create' };
  const doors = ['token', 'introspect', 'revoke'] as const;

  beforeAll(async () => {
    const proxies = { TRUSTED_PROXIES: '127.0.0.1' };
    const limits = { RATE_LIMIT_CLIENT_PER_MINUTE: '20', RATE_LIMIT_ADDRESS_PER_MINUTE: '1000' };
    issuer = await startIssuer({ ...proxies, ...limits }, 2);
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

  /** Asks an endpoint from an address. @returns the status */
  async function ask(
    door: (typeof doors)[number],
    from: string,
    { authorization, ...form }: Readonly<Record<string, string>>,
    at = issuer.url,
  ): Promise<number> {
    const body = new URLSearchParams({ grant_type: 'client_credentials', token: 'none', ...requested, ...form });
    const headers = { 'x-forwarded-for': from, ...(authorization === undefined ? {} : { authorization }) };
    const { status } = await fetch(`${at}/oauth2/${door}`, { method: 'POST', body, headers });
    return status;
  }
  const guess = (door: (typeof doors)[number], from: string, at?: string) =>
    ask(door, from, { authorization: basic('shop', 'guess') }, at);
  async function workOf(kind: string): Promise<number> {
    const texts = await Promise.all(issuer.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    // Both replicas run in this process and count together.
    return Number(new RegExp(`issuer_authentication_work_total\\{kind="${kind}".*\\} (.*)`).exec(texts[0] ?? '')?.[1]);
  }

  it('give a client its limit per minute across all replicas, then say when to retry', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => issuer.token(requested, issuer.urls[index % 2])),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(refused).toHaveLength(10);
    expect(refused[0]?.body['error']).toBe('temporarily_unavailable');
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    const { rows } = await issuer.database.query<{ principal: { client_id: string } }>(
      `select event->'data'->'principal' as principal from audit_outbox_event where event->'data'->>'reason' = 'RATE_LIMITED'`,
    );
    expect([1, 2]).toContain(rows.length);
    expect(rows[0]?.principal.client_id).toBe('shop');
    expect(await ask('introspect', '192.0.2.1', await issuer.credentials('shop'))).toBe(429);
  });

  it.each(doors)(
    'let a network guess only a few times at the %s endpoint, and still serve its honest clients',
    async (door) => {
      const from = `192.0.2.${String(10 + doors.indexOf(door))}`;
      const statuses: number[] = [];
      for (let count = 0; count < 14; count += 1) statuses.push(await guess(door, from, issuer.urls[count % 2]));
      expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
      expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(10);
      for (const client of ['operator', 'payments'] as const) {
        expect([200, 400]).toContain(await ask(door, from, await issuer.credentials(client)));
      }
    },
  );

  it('are shared by all endpoints', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 15; count += 1) statuses.push(await guess(doors[count % 3] ?? 'token', '192.0.2.30'));
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  });

  it('count an IPv6 /64 as one network, and its neighbour separately', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      statuses.push(await guess('introspect', `[2001:db8:0:7::${count.toString(16)}]:${String(40_000 + count)}`));
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(await guess('introspect', '2001:db8:0:8::1')).toBe(401);
  });

  it('count requests that name two ways to authenticate, or two clients, as failures', async () => {
    const own = { authorization: basic('shop', 'guess') };
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      statuses.push(
        await ask('token', '192.0.2.40', {
          ...own,
          ...(count % 2 === 0 ? { client_secret: 'x' } : { client_id: 'payments' }),
        }),
      );
    }
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 400));
    expect(statuses.slice(10)).toEqual([429, 429]);
  });

  it('count a replayed assertion as a failure', async () => {
    const assertion = await issuer.assertion('operator');
    const again = { client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: assertion };
    expect(await ask('introspect', '192.0.2.50', again)).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      statuses.push(await ask(count % 2 === 0 ? 'token' : 'introspect', '192.0.2.50', again));
    }
    expect([statuses[0], statuses[1], statuses.at(-1)]).toEqual([401, 401, 429]);
  });

  it('compute no slow hash for a network whose failures are refused, but recognise a valid secret that it presented before', async () => {
    const salt = Buffer.alloc(16, 7);
    const derived = scryptSync('right', salt, 32, { N: 2 ** 14, r: 8, p: 1 });
    const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
    const imported_secret = `$scrypt$ln=14,r=8,p=1$${unpadded(salt)}$${unpadded(derived)}`;
    const secretBased = { token_endpoint_auth_method: 'client_secret_basic', imported_secret };
    expect((await issuer.admin('POST', '/admin/clients', { client_id: 'legacy', ...secretBased })).status).toBe(201);
    const right = { authorization: basic('legacy', 'right') };
    expect(await ask('introspect', '192.0.2.60', right)).toBe(200);
    const before = await workOf('scrypt');
    for (let count = 0; count < 30; count += 1) await guess(doors[count % 3] ?? 'token', '192.0.2.60');
    expect((await workOf('scrypt')) - before).toBeLessThanOrEqual(11);
    expect(await ask('introspect', '192.0.2.60', right)).toBe(200);
    expect(await ask('introspect', '192.0.2.60', { authorization: basic('legacy', 'wrong') })).toBe(429);
    expect(await ask('introspect', '192.0.2.61', { authorization: basic('legacy', 'wrong') })).toBe(401);
  });

  it('apply to an assertion that nobody could have made, as to any other failure', async () => {
    const key = issuer.keys.operator;
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      const client_assertion = await signClientAssertion({ clientId: 'nobody', audience: issuer.url, key });
      statuses.push(
        await ask('revoke', '192.0.2.70', { client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion }),
      );
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.at(-1)).toBe(429);
  });

  it('also say on a page when to retry', async () => {
    const visit = () => fetch(`${issuer.url}/oauth2/authorize`, { headers: { 'x-forwarded-for': '192.0.2.80' } });
    let answer = await visit();
    for (let count = 0; count < 110 && answer.status !== 429; count += 1) answer = await visit();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([429, 'text/html; charset=utf-8']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await issuer.recorded()).toEqual(
      expect.arrayContaining(['token.introspect_refused denied', 'token.revoke_refused denied']),
    );
  });
});
