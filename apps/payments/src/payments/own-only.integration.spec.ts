import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { euro, startPayments, type PaymentsUnderTest } from '../testing/payments-under-test.js';

const openApi = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** What each route is sent; a route that is not named here fails the test, so that a new one cannot be forgotten. */
const bodies: Readonly<Record<string, object | undefined>> = {
  'get /payments/{id}': undefined,
  'get /payments/{id}/refunds': undefined,
  'post /payments/{id}/capture': {},
  'post /payments/{id}/cancel': {},
  'post /payments/{id}/refund': {},
  'delete /webhooks/{id}': undefined,
  'get /webhooks/{id}/deliveries': undefined,
  'post /webhooks/{id}/replay': { since: '2020-01-01T00:00:00Z' },
};
const collections = ['get /payments', 'post /payments', 'get /webhooks', 'post /webhooks'];
const open = ['get /.well-known/jwks.json'];

describe("another client's payments and webhooks", () => {
  let payments: PaymentsUnderTest;
  const own: Record<'payments' | 'webhooks', string> = { payments: '', webhooks: '' };

  beforeAll(async () => {
    payments = await startPayments();
    const [from, to] = [
      await payments.accounts.open('shop', 'allowed'),
      await payments.accounts.open('shop', 'forbidden'),
    ];
    const order = { amount: euro('100'), from, to, capture: 'manual' };
    const paid = await payments.call('shop', 'POST', '/payments', order);
    const endpoint = await payments.call('shop', 'POST', '/webhooks', { url: 'https://merchant.example/hook' });
    own.payments = String(paid.body['id']);
    own.webhooks = String(endpoint.body['id']);
  }, 180_000);
  afterAll(async () => {
    await payments.stop();
  }, 60_000);

  async function routes(): Promise<readonly string[]> {
    const { body } = await payments.call('shop', 'GET', '/openapi.json');
    return Object.entries(openApi.parse(body).paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
  }
  function requestOf(route: string, id: string) {
    const [method = '', path = ''] = route.split(' ');
    const verb = z.enum(['GET', 'POST', 'DELETE']).parse(method.toUpperCase());
    return {
      verb,
      path: path.replace('{id}', id),
      kind: path.startsWith('/payments') ? 'payments' : 'webhooks',
    } as const;
  }

  it('are answered on every route exactly as if they were not there, and the attempt is recorded', async () => {
    expect([...(await routes())].sort()).toEqual([...Object.keys(bodies), ...collections, ...open].sort());
    for (const [route, body] of Object.entries(bodies)) {
      const answers = [];
      for (const id of [own[requestOf(route, '').kind], randomUUID()]) {
        const { verb, path } = requestOf(route, id);
        const { status, body: answer } = await payments.call('stranger', verb, path, body);
        answers.push({ status, code: answer['code'], detail: answer['detail'] });
      }
      expect({ route, answer: answers[0] }).toMatchObject({ route, answer: { status: 404 } });
      expect({ route, answer: answers[0] }).toEqual({ route, answer: answers[1] });
    }
    const missed = await payments.eventsOf(`payment/${own.payments}`);
    expect(missed.filter((type) => type === 'payment.missed')).toHaveLength(5);
  });

  it('do not show in lists, and cannot be paid from', async () => {
    expect((await payments.call('stranger', 'GET', '/payments')).body).toEqual({ payments: [], next_cursor: null });
    expect((await payments.call('stranger', 'GET', '/webhooks')).body).toEqual({ webhooks: [] });
    const { body } = await payments.call('shop', 'GET', `/payments/${own.payments}`);
    const theft = { amount: euro('1'), from: body['from'], to: await payments.accounts.open('stranger', 'forbidden') };
    const answer = await payments.call('stranger', 'POST', '/payments', theft);
    expect([answer.status, answer.body['code']]).toEqual([422, 'ACCOUNT_UNKNOWN']);
  });

  it('are untouched by all that, and still their owner’s', async () => {
    const { body } = await payments.call('shop', 'GET', `/payments/${own.payments}`);
    expect(body).toMatchObject({ status: 'held', version: 2 });
    const { body: listed } = await payments.call('shop', 'GET', '/webhooks');
    expect(listed['webhooks']).toHaveLength(1);
    expect((await payments.call('shop', 'DELETE', `/webhooks/${own.webhooks}`)).status).toBe(204);
  });
});
