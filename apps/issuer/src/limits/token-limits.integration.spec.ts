import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('the limits of the token endpoint at two replicas', () => {
  let issuer: IssuerUnderTest;
  const wish = { audience: 'payments', scope: 'payments:create' };

  beforeAll(async () => {
    issuer = await startIssuer({ RATE_LIMIT_CLIENT_PER_MINUTE: '20', RATE_LIMIT_ADDRESS_PER_MINUTE: '1000' }, 2);
  }, 120_000);
  afterAll(() => issuer.stop(), 60_000);

  it('lets a client have its number a minute from all replicas together, then tells it when to come back', async () => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => issuer.token(wish, issuer.urls[index % 2])),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(refused).toHaveLength(10);
    expect(refused[0]?.body['error']).toBe('temporarily_unavailable');
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
    const { rows } = await issuer.database.query(
      `select 1 from audit_outbox where event->'data'->>'reason' = 'RATE_LIMITED'`,
    );
    expect([1, 2]).toContain(rows.length);
  });

  it('lets an address guess a few times only', async () => {
    const headers = { authorization: `Basic ${Buffer.from('shop:guess').toString('base64')}` };
    const statuses: number[] = [];
    for (let guess = 0; guess < 14; guess += 1) statuses.push((await issuer.token(wish, issuer.url, headers)).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(11);
  });
});
