import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Who } from '../testing/real-accounts.js';
import { allScopes, euro, startPayments, type Answer, type PaymentsUnderTest } from '../testing/payments-under-test.js';

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
/** Of the operator, over everybody's; with a separate scope. */
const operators = ['post /reconciliation'];

const alice: Who = { subject: 'alice', clientId: 'gateway' };
const strangers: readonly (readonly [string, Who])[] = [
  ['another client', { subject: 'stranger', clientId: 'stranger' }],
  ['another subject of the same client', { subject: 'bob', clientId: 'gateway' }],
  ['the client itself, without a client-wide scope', { subject: 'gateway', clientId: 'gateway' }],
];

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await startPayments({ RECENT_LOGIN_ABOVE: 'EUR:100000' });
}, 180_000);
afterAll(async () => {
  await payments.stop();
}, 60_000);

describe.each(strangers)("a subject's payments and webhooks, to %s,", (_name, stranger) => {
  let from = '';
  let to = '';
  const own: Record<'payments' | 'webhooks', string> = { payments: '', webhooks: '' };

  beforeAll(async () => {
    from = await payments.accounts.open(alice, 'allowed');
    to = await payments.accounts.open(alice, 'forbidden');
    const paid = await payments.call(alice, 'POST', '/payments', { ...order(), capture: 'manual' });
    const endpoint = await payments.call(alice, 'POST', '/webhooks', { url: 'https://merchant.example/hook' });
    own.payments = String(paid.body['id']);
    own.webhooks = String(endpoint.body['id']);
  }, 180_000);

  const order = () => ({ amount: euro('100'), from, to });
  async function routes(): Promise<readonly string[]> {
    const { body } = await payments.call(alice, 'GET', '/openapi.json');
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

  it('get the same answer on every route as if they did not exist, and the attempt is recorded', async () => {
    const known = [...Object.keys(bodies), ...collections, ...open, ...operators];
    expect([...(await routes())].sort()).toEqual(known.sort());
    for (const route of operators) {
      const { verb, path } = requestOf(route, '');
      expect([route, (await payments.call(stranger, verb, path, {})).status]).toEqual([route, 403]);
    }
    for (const [route, body] of Object.entries(bodies)) {
      const answers = [];
      for (const id of [own[requestOf(route, '').kind], randomUUID()]) {
        const { verb, path } = requestOf(route, id);
        const { status, body: answer } = await payments.call(stranger, verb, path, body);
        answers.push({ status, code: answer['code'], detail: answer['detail'] });
      }
      expect({ route, answer: answers[0] }).toMatchObject({ route, answer: { status: 404 } });
      expect({ route, answer: answers[0] }).toEqual({ route, answer: answers[1] });
    }
    const missed = await payments.eventsOf(`payment/${own.payments}`);
    expect(missed.filter((type) => type === 'payment.missed')).toHaveLength(5);
  });

  it('do not show in lists, and cannot be paid from', async () => {
    expect((await payments.call(stranger, 'GET', '/payments')).body).toEqual({ payments: [], next_cursor: null });
    expect((await payments.call(stranger, 'GET', `/payments?account=${from}`)).body).toMatchObject({ payments: [] });
    expect((await payments.call(stranger, 'GET', '/webhooks')).body).toEqual({ webhooks: [], next_cursor: null });
    const theft = { amount: euro('1'), from, to: await payments.accounts.open(stranger, 'forbidden') };
    const answer = await payments.call(stranger, 'POST', '/payments', theft);
    expect([answer.status, answer.body['code']]).toEqual([422, 'ACCOUNT_UNKNOWN']);
  });

  it('are not revealed by the answer stored under an Idempotency-Key', async () => {
    const key = randomUUID();
    const hook = { url: 'https://merchant.example/other' };
    const paid = await payments.call(alice, 'POST', '/payments', order(), key);
    const hooked = await payments.call(alice, 'POST', '/webhooks', hook, `${key}-hook`);
    expect([paid.status, hooked.status]).toEqual([201, 201]);
    const theirs = await payments.call(stranger, 'POST', '/payments', order(), key);
    expect([theirs.status, theirs.body['code'], theirs.headers['idempotency-replayed']]).toEqual([
      422,
      'ACCOUNT_UNKNOWN',
      undefined,
    ]);
    const another = { amount: euro('7'), from, to };
    expect((await payments.call(stranger, 'POST', '/payments', another, key)).body['code']).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
    const hookedToo = await payments.call(stranger, 'POST', '/webhooks', hook, `${key}-hook`);
    expect([hookedToo.status, hookedToo.body['id'] === hooked.body['id']]).toEqual([201, false]);
    const replayed = await payments.call(alice, 'POST', '/payments', order(), key);
    expect([replayed.body['id'], replayed.headers['idempotency-replayed']]).toEqual([paid.body['id'], 'true']);
    await payments.call(alice, 'DELETE', `/webhooks/${String(hooked.body['id'])}`);
  });

  it('are not sent to its webhook', async () => {
    const endpoint = await payments.call(stranger, 'POST', '/webhooks', { url: 'https://stranger.example/hook' });
    await payments.call(alice, 'POST', '/payments', order());
    const sent = async (who: Who, id: unknown) =>
      (await payments.call(who, 'GET', `/webhooks/${String(id)}/deliveries`)).body['deliveries'];
    expect(await sent(alice, own.webhooks)).not.toEqual([]);
    expect(await sent(stranger, endpoint.body['id'])).toEqual([]);
    const wide = await payments.call(stranger, 'POST', '/webhooks', { url: 'https://a.example/', reach: 'client' });
    expect([wide.status, wide.body['code']]).toEqual([403, 'SCOPE_MISSING']);
  });

  it('are untouched by all that, and still their owner’s, through any client', async () => {
    const throughAnother: Who = { subject: 'alice', clientId: 'shop' };
    const { body } = await payments.call(throughAnother, 'GET', `/payments/${own.payments}`);
    expect(body).toMatchObject({ status: 'held', version: 2 });
    for (const step of ['capture', 'cancel']) {
      const answer = await payments.call(throughAnother, 'POST', `/payments/${own.payments}/${step}`, {});
      expect([answer.status, answer.body['code']]).toEqual([403, 'PAYMENT_OF_ANOTHER_CLIENT']);
    }
    const { body: listed } = await payments.call(throughAnother, 'GET', '/webhooks');
    expect(listed['webhooks']).toHaveLength(1);
    expect((await payments.call(alice, 'DELETE', `/webhooks/${own.webhooks}`)).status).toBe(204);
  });
});

describe('a client, with the scopes for all of its subjects,', () => {
  const accounts = new Map<string, readonly [string, string]>();
  const ann: Who = { subject: 'ann', clientId: 'portal' };
  const bob: Who = { subject: 'bob', clientId: 'portal' };
  const wide = (clientId: string): Who => ({
    subject: clientId,
    clientId,
    scopes: allScopes.map((scope) => `${scope}:client`),
  });
  const portal = wide('portal');
  beforeAll(async () => {
    for (const who of [ann, bob]) {
      const pair = [await payments.accounts.open(who, 'allowed'), await payments.accounts.open('merchant', 'allowed')];
      accounts.set(who.subject, [pair[0] ?? '', pair[1] ?? '']);
    }
  }, 180_000);

  const pay = async (who: Who, more: object = {}): Promise<string> => {
    const [from, to] = accounts.get(who.subject) ?? [];
    const paid = await payments.call(who, 'POST', '/payments', { amount: euro('100'), from, to, ...more });
    expect(paid.status).toBe(201);
    return String(paid.body['id']);
  };

  it('lists with its own through other clients: each once, newest first, in pages of any size and by either account', async () => {
    const carol: Who = { ...ann, clientId: 'carols', scopes: portal.scopes ?? [] };
    const others = { ...ann, clientId: 'another' };
    const first = await pay({ ...ann, clientId: 'carols' });
    const second = await pay(others);
    const third = await pay({ ...bob, clientId: 'carols' });
    const fourth = await pay(others);
    const pageOf = async (query: string): Promise<Readonly<Record<string, unknown>>> =>
      (await payments.call(carol, 'GET', `/payments?${query}`)).body;
    const idsOf = (body: Readonly<Record<string, unknown>>): readonly string[] =>
      z
        .array(z.looseObject({ id: z.string() }))
        .parse(body['payments'])
        .map(({ id }) => id);
    const all = [fourth, third, second, first];
    expect(idsOf(await pageOf('limit=200')).filter((id) => all.includes(id))).toEqual(all);
    const seen: string[] = [];
    for (let cursor: unknown = fourth; cursor !== null && !seen.includes(first);) {
      const page = await pageOf(`limit=1&cursor=${String(cursor)}`);
      seen.push(...idsOf(page));
      cursor = page['next_cursor'];
    }
    expect(seen).toEqual([third, second, first]);
    const [from, to] = accounts.get('ann') ?? [];
    for (const account of [from, to])
      expect(idsOf(await pageOf(`account=${String(account)}&limit=3`))).toEqual([fourth, second, first]);
  });

  it('reads, lists, captures, cancels and refunds the payments that were made through it, and no other client does', async () => {
    const [hers, his, held] = [
      await pay(ann),
      await pay(bob, { capture: 'manual' }),
      await pay(bob, { capture: 'manual' }),
    ];
    const other = wide('other');
    const idsOf = async (who: Who): Promise<readonly unknown[]> => {
      const { body } = await payments.call(who, 'GET', '/payments');
      return z
        .array(z.looseObject({ id: z.string() }))
        .parse(body['payments'])
        .map(({ id }) => id);
    };
    expect(await idsOf(portal)).toEqual([held, his, hers]);
    expect(await idsOf(other)).toEqual([]);
    const steps = [
      ['GET', `/payments/${hers}`, 200],
      ['POST', `/payments/${his}/capture`, 200],
      ['POST', `/payments/${held}/cancel`, 200],
      ['POST', `/payments/${hers}/refund`, 201],
      ['GET', `/payments/${hers}/refunds`, 200],
    ] as const;
    for (const [method, path, status] of steps) {
      const body = method === 'POST' ? {} : undefined;
      expect([path, (await payments.call(other, method, path, body)).status]).toEqual([path, 404]);
      expect([path, (await payments.call(portal, method, path, body)).status]).toEqual([path, status]);
    }
  });

  it('receives notices of all of them at the webhooks that it registered with that scope, and may limit one to its own', async () => {
    const all = await payments.call(portal, 'POST', '/webhooks', { url: 'https://gateway.example/all' });
    const own = await payments.call(portal, 'POST', '/webhooks', {
      url: 'https://gateway.example/own',
      reach: 'subject',
    });
    const hers = await payments.call(ann, 'POST', '/webhooks', { url: 'https://ann.example/' });
    expect([all.body['reach'], own.body['reach'], hers.body['reach']]).toEqual(['client', 'subject', 'subject']);
    const made = [await pay(ann), await pay(bob)];
    const noticesOf = async ({ body: { id } }: Answer): Promise<readonly unknown[]> => {
      const { body } = await payments.call(portal, 'GET', `/webhooks/${String(id)}/deliveries`);
      return z
        .array(z.looseObject({ payment_id: z.string() }))
        .parse(body['deliveries'])
        .map(({ payment_id }) => payment_id)
        .reverse();
    };
    expect([await noticesOf(all), await noticesOf(own), await noticesOf(hers)]).toEqual([made, [], [made[0]]]);
    const listed = await payments.call(portal, 'GET', '/webhooks?limit=2');
    expect(listed.body['webhooks']).toMatchObject([{ id: hers.body['id'] }, { id: own.body['id'] }]);
    const rest = await payments.call(portal, 'GET', `/webhooks?cursor=${String(listed.body['next_cursor'])}`);
    expect(rest.body).toMatchObject({ webhooks: [{ id: all.body['id'] }], next_cursor: null });
    for (const { body } of [all, own, hers]) {
      const path = `/webhooks/${String(body['id'])}`;
      expect(
        (await payments.call(wide('other'), 'POST', `${path}/replay`, { since: '2020-01-01T00:00:00Z' })).status,
      ).toBe(404);
      expect((await payments.call(portal, 'POST', `${path}/replay`, { since: '2020-01-01T00:00:00Z' })).status).toBe(
        202,
      );
      expect((await payments.call(portal, 'DELETE', path)).status).toBe(204);
    }
  });
});

describe('a person, through an application,', () => {
  const person = (signedInAgo: number, id: string = randomUUID()): Who => ({
    subject: `person:${id}`,
    clientId: 'planner',
    kind: 'person',
    signedInAgo,
  });

  it('pays from their own account, and the trail and the ledger name them, the application and payments', async () => {
    const ada = person(3_600);
    const [from, to] = [
      await payments.accounts.open(ada, 'allowed'),
      await payments.accounts.open('shop', 'forbidden'),
    ];
    const { status, body } = await payments.call(ada, 'POST', '/payments', { amount: euro('100'), from, to });
    expect([status, body['status']]).toEqual([201, 'settled']);
    expect(payments.accounts.asked()).toContainEqual(expect.objectContaining({ subject: ada.subject }));
    const { rows } = await payments.pool.query<{ principal: unknown }>(
      `select event->'data'->'principal' as principal from audit_outbox_event where event->>'subject' = $1`,
      [`payment/${String(body['id'])}`],
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { principal } of rows) {
      expect(principal).toMatchObject({
        subject: ada.subject,
        client_id: 'planner',
        person: { auth_time: expect.any(Number) },
      });
    }
    expect((await payments.call(person(0), 'GET', `/payments/${String(body['id'])}`)).status).toBe(404);
  });

  it('signs in again for more than an amount; a service for itself does not', async () => {
    const id = randomUUID();
    const [from, to] = [
      await payments.accounts.open(person(0, id), 'allowed'),
      await payments.accounts.open('shop', 'forbidden'),
    ];
    const order = (amount: string) => ({ amount: euro(amount), from, to });
    const pay = (ago: number, amount: string) => payments.call(person(ago, id), 'POST', '/payments', order(amount));
    expect((await pay(3_600, '100000')).status).toBe(201);
    const refused = await pay(301, '100001');
    expect([refused.status, refused.body['code']]).toEqual([401, 'LOGIN_NOT_RECENT']);
    expect(refused.headers['www-authenticate']).toMatch(/insufficient_user_authentication.*max_age="300"/);
    expect((await pay(60, '100001')).status).toBe(201);
    const own = {
      from: await payments.accounts.open('shop', 'allowed'),
      to: await payments.accounts.open('shop', 'forbidden'),
    };
    expect((await payments.call('shop', 'POST', '/payments', { amount: euro('100001'), ...own })).status).toBe(201);
  });

  it('signs in again to capture or pay back more than that, with an amount or the whole', async () => {
    const ids = { payer: randomUUID(), payee: randomUUID() };
    const [from, to] = [
      await payments.accounts.open(person(0, ids.payer), 'allowed'),
      await payments.accounts.open(person(0, ids.payee), 'forbidden'),
    ];
    const big = { amount: euro('100001'), from, to };
    const act = async (who: Who, id: unknown, what: string, body: object = {}) => {
      const {
        status,
        body: answer,
        headers,
      } = await payments.call(who, 'POST', `/payments/${String(id)}/${what}`, body);
      return [status, answer['code'], headers['www-authenticate']];
    };
    const [late, soon] = [person(301, ids.payer), person(60, ids.payer)];
    const asked = [401, 'LOGIN_NOT_RECENT', expect.stringMatching(/insufficient_user_authentication.*max_age="300"/)];
    const { body: held } = await payments.call(soon, 'POST', '/payments', { ...big, capture: 'manual' });
    expect(await act(late, held['id'], 'capture')).toEqual(asked);
    expect(await act(late, held['id'], 'capture', { amount: euro('100001') })).toEqual(asked);
    expect((await act(soon, held['id'], 'capture'))[0]).toBe(200);
    const [lateShop, soonShop] = [person(301, ids.payee), person(60, ids.payee)];
    expect(await act(lateShop, held['id'], 'refund')).toEqual(asked);
    expect((await act(lateShop, held['id'], 'refund', { amount: euro('1') }))[0]).toBe(201);
    expect((await act(soonShop, held['id'], 'refund', { amount: euro('100000') }))[0]).toBe(201);
    // Nobody but the payment's owner learns its amount.
    expect((await act(person(301), held['id'], 'refund')).slice(0, 2)).toEqual([404, 'PAYMENT_UNKNOWN']);
    expect(
      (await payments.eventsOf(`payment/${String(held['id'])}`)).filter((type) => type.endsWith('_refused')),
    ).toEqual(['payment.capture_refused', 'payment.capture_refused']);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await payments.recorded()).toEqual(
      expect.arrayContaining(['webhook.missed failed', 'idempotency-key.refused failed']),
    );
  });
});
