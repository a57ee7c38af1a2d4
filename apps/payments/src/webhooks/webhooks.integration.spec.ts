import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7 } from '@countersign/audit-event';
import { createLocalJWKSet, flattenedVerify, type JSONWebKeySet } from 'jose';
import { euro, startPayments, type Answer, type PaymentsUnderTest } from '../testing/payments-under-test.js';
import { ATTEMPT_LIMIT, nextAttempt } from './delivery.js';
import { ENDPOINT_LIMIT, REPLAY_LIMIT } from './endpoint.js';

interface Received {
  readonly id: string;
  readonly signature: string;
  readonly body: string;
}

describe('webhooks', () => {
  let payments: PaymentsUnderTest;
  let merchant: Server;
  let url: string;
  let order: object;
  const received: Received[] = [];
  let answer: { status: number; location?: string } = { status: 200 };

  beforeAll(async () => {
    payments = await startPayments();
    merchant = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({
          id: String(request.headers['webhook-id']),
          signature: String(request.headers['webhook-signature']),
          body: Buffer.concat(chunks).toString(),
        });
        response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
        response.end();
      });
    });
    await new Promise<void>((resolve) => {
      merchant.listen(0, '127.0.0.1', resolve);
    });
    const address = merchant.address();
    url = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}/hook?from=payments`;
    const [from, to] = [
      await payments.accounts.open('shop', 'allowed'),
      await payments.accounts.open('shop', 'forbidden'),
    ];
    order = { amount: euro('100'), from, to };
  }, 180_000);
  afterAll(async () => {
    await new Promise((resolve) => merchant.close(resolve));
    await payments.stop();
  }, 60_000);
  beforeEach(() => {
    received.length = 0;
    answer = { status: 200 };
  });

  const register = (types?: readonly string[]): Promise<Answer> =>
    payments.call('shop', 'POST', '/webhooks', { url, ...(types === undefined ? {} : { types }) });
  const remove = async (endpoint: Answer): Promise<void> => {
    await payments.call('shop', 'DELETE', `/webhooks/${String(endpoint.body['id'])}`);
  };
  async function deliveries(endpoint: Answer): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { body } = await payments.call('shop', 'GET', `/webhooks/${String(endpoint.body['id'])}/deliveries`);
    return body['deliveries'] as readonly Readonly<Record<string, unknown>>[];
  }
  async function until(what: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 25_000; Date.now() < deadline; await delay(50)) if (await what()) return;
    throw new Error('it did not come about within 25 seconds');
  }

  it('are removed once, and each answer is recorded, however many requests come at the same moment', async () => {
    const id = String((await register()).body['id']);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => payments.call('shop', 'DELETE', `/webhooks/${id}`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...answers.slice(1).map(() => 404)]);
    const events = (await payments.eventsOf(`webhook/${id}`)).filter((type) => type !== 'webhook.registered');
    expect(events.sort()).toEqual([...answers.slice(1).map(() => 'webhook.missed'), 'webhook.removed']);
  });

  it('notify the merchant, with a signature that the published keys verify, for this URL and body only', async () => {
    const endpoint = await register();
    const paid = await payments.call('shop', 'POST', '/payments', order);
    await until(() => received.length > 0);
    const [{ id, signature, body } = { id: '', signature: '', body: '' }] = received;
    expect(JSON.parse(body)).toMatchObject({ id, type: 'payment.settled', data: { payment: { id: paid.body['id'] } } });
    const jwks = (await payments.call('shop', 'GET', '/.well-known/jwks.json')).body;
    expect(JSON.stringify(jwks)).not.toContain('"d"');
    const keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet);
    const [header = '', , value = ''] = signature.split('.');
    const verify = (text: string) =>
      flattenedVerify({ protected: header, payload: Buffer.from(text).toString('base64url'), signature: value }, keys);
    const { protectedHeader } = await verify(body);
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'webhook+jws', aud: url, jti: id });
    expect(Math.abs(Number(protectedHeader?.['iat']) - Date.now() / 1_000)).toBeLessThan(60);
    await expect(verify(body.replace('settled', 'failed'))).rejects.toThrow();
    await until(async () => (await deliveries(endpoint))[0]?.['status'] === 'delivered');
    await remove(endpoint);
  });

  it('are retried after a failure, with the same id, and can be replayed', async () => {
    const endpoint = await register();
    answer = { status: 500 };
    await payments.call('shop', 'POST', '/payments', order);
    await until(async () => (await deliveries(endpoint))[0]?.['last_status'] === 500);
    const [failed] = await deliveries(endpoint);
    expect(failed).toMatchObject({ status: 'pending', attempts: 1, last_error: 'answered 500' });
    answer = { status: 204 };
    await payments.pool.query(`update webhook_delivery set next_attempt_at = now() where status = 'pending'`);
    await until(async () => (await deliveries(endpoint))[0]?.['status'] === 'delivered');
    const path = `/webhooks/${String(endpoint.body['id'])}/replay`;
    expect((await payments.call('shop', 'POST', path, { event_id: failed?.['event_id'] })).status).toBe(202);
    await until(() => received.length === 3);
    expect(new Set(received.map(({ id }) => id))).toEqual(new Set([failed?.['event_id']]));
    expect((await payments.call('shop', 'POST', path, { event_id: randomUUID() })).status).toBe(404);
    await remove(endpoint);
  });

  it('do not follow a redirect, and end when the merchant says that the endpoint is gone', async () => {
    const endpoint = await register();
    answer = { status: 302, location: url };
    await payments.call('shop', 'POST', '/payments', order);
    await until(async () => (await deliveries(endpoint))[0]?.['last_status'] === 302);
    expect(received).toHaveLength(1);
    answer = { status: 410 };
    await payments.pool.query(`update webhook_delivery set next_attempt_at = now() where status = 'pending'`);
    await until(async () => (await deliveries(endpoint))[0]?.['status'] === 'failed');
    const { body } = await payments.call('shop', 'GET', '/webhooks');
    expect(body['webhooks']).toMatchObject([{ status: 'gone' }]);
    await remove(endpoint);
  });

  it('are replayed a thousand at a time, and the response says from when to request the rest', async () => {
    const endpoint = await register();
    const [id, at] = [String(endpoint.body['id']), Date.parse('2026-01-01T00:00:00Z')];
    const notices = Array.from({ length: REPLAY_LIMIT + 3 }, (_, second) => at + 1_000 * second);
    await payments.pool.query(
      `insert into webhook_delivery (endpoint_id, event_id, type, payment_id, body, status, created_at)
       select $1, event_id, 'payment.settled', $1, '{}', 'failed', created_at from unnest($2::uuid[], $3::timestamptz[]) as n (event_id, created_at)`,
      [id, notices.map((time) => uuidv7(time)), notices.map((time) => new Date(time))],
    );
    const left = async (): Promise<readonly unknown[]> =>
      (
        await payments.pool.query<{ count: number }>(
          `select count(*)::int from webhook_delivery where endpoint_id = $1 and status = 'failed'`,
          [id],
        )
      ).rows;
    answer = { status: 200 };
    const first = await payments.call('shop', 'POST', `/webhooks/${id}/replay`, { since: '2025-12-31T00:00:00Z' });
    const next = new Date(notices[REPLAY_LIMIT] ?? 0).toISOString();
    expect([first.status, first.body['next_since']]).toEqual([202, next]);
    expect(await left()).toEqual([{ count: 3 }]);
    const rest = await payments.call('shop', 'POST', `/webhooks/${id}/replay`, { since: next });
    expect([rest.status, rest.body['next_since']]).toEqual([202, null]);
    expect(await left()).toEqual([{ count: 0 }]);
    await payments.pool.query('delete from webhook_delivery where endpoint_id = $1', [id]);
    await remove(endpoint);
  });

  it('are not replayed to an endpoint that is gone, and what was delivered to it stays delivered', async () => {
    const endpoint = await register();
    await payments.call('shop', 'POST', '/payments', order);
    await until(async () => (await deliveries(endpoint))[0]?.['status'] === 'delivered');
    answer = { status: 410 };
    await payments.call('shop', 'POST', '/payments', order);
    await until(async () => (await deliveries(endpoint))[0]?.['status'] === 'failed');
    const before = await deliveries(endpoint);
    const path = `/webhooks/${String(endpoint.body['id'])}/replay`;
    for (const wanted of [{ since: '2020-01-01T00:00:00Z' }, { event_id: before[1]?.['event_id'] }]) {
      const { status, body } = await payments.call('shop', 'POST', path, wanted);
      expect([status, body['code']]).toEqual([409, 'WEBHOOK_GONE']);
    }
    expect(await deliveries(endpoint)).toEqual(before);
    expect(before.map(({ status }) => status)).toEqual(['failed', 'delivered']);
    expect(await payments.eventsOf(`webhook/${String(endpoint.body['id'])}`)).toContain('webhook.replay_refused');
    await remove(endpoint);
  });

  it('are sent only for the requested types', async () => {
    const endpoint = await register(['refund.settled']);
    const paid = await payments.call('shop', 'POST', '/payments', order);
    await payments.call('shop', 'POST', `/payments/${String(paid.body['id'])}/refund`, {});
    await until(() => received.length > 0);
    expect((await deliveries(endpoint)).map(({ type }) => type)).toEqual(['refund.settled']);
    await remove(endpoint);
  });

  it('go to at most ten endpoints per owner, even if it registers many concurrently, and each of them is listed', async () => {
    const many = await Promise.all(Array.from({ length: 25 }, () => register(['payment.failed'])));
    const made = many.filter(({ status }) => status === 201);
    expect(made).toHaveLength(ENDPOINT_LIMIT);
    const refused = many.filter(({ status }) => status !== 201);
    expect(refused.map(({ status, body }) => [status, body['code']])).toEqual(
      refused.map(() => [422, 'WEBHOOK_LIMIT']),
    );
    const { body } = await payments.call('shop', 'GET', '/webhooks');
    expect(body['webhooks']).toHaveLength(ENDPOINT_LIMIT);
    const [first, ...rest] = made;
    if (first !== undefined) await remove(first);
    expect((await register(['payment.failed'])).status).toBe(201);
    for (const endpoint of rest) await remove(endpoint);
  });

  it('name the URL in its canonical form, in the answer as in the signature', async () => {
    const endpoint = await payments.call('shop', 'POST', '/webhooks', { url: ` ${url.replace('http', 'HTTP')}#x  ` });
    expect(endpoint.body['url']).toBe(url);
    await payments.call('shop', 'POST', '/payments', order);
    await until(() => received.length > 0);
    const header = Buffer.from(received[0]?.signature.split('.')[0] ?? '', 'base64url').toString();
    expect(JSON.parse(header)).toMatchObject({ aud: url });
    await remove(endpoint);
  });

  it('back off with jitter, and give up in the end', () => {
    const now = new Date(0);
    const waits = Array.from(
      { length: ATTEMPT_LIMIT - 1 },
      (_, index) => nextAttempt(index + 1, now, 1)?.getTime() ?? 0,
    );
    expect(waits).toEqual([...waits].sort((one, other) => one - other));
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(48 * 3_600_000);
    expect(nextAttempt(1, now, 0)?.getTime()).toBe(2_500);
    expect(nextAttempt(ATTEMPT_LIMIT, now, 1)).toBeUndefined();
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await payments.recorded()).toEqual(
      expect.arrayContaining([
        'webhook.registered allowed',
        'webhook.registration_refused failed',
        'webhook.removed allowed',
        'webhook.deliveries_listed allowed',
        'webhook.replayed allowed',
        'webhooks.listed allowed',
      ]),
    );
  });
});
