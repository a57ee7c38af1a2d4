import { randomUUID } from 'node:crypto';
import { type Who } from '../testing/real-accounts.js';
import { euro, startPayments, type Answer, type PaymentsUnderTest } from '../testing/payments-under-test.js';
import { REFUND_LIMIT } from './refunds.service.js';

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await startPayments();
}, 180_000);
afterAll(async () => {
  await payments.stop();
}, 60_000);
const codeOf = ({ status, body }: Answer): unknown => [status, body['code']];

describe('refunds', () => {
  let from: string;
  let to: string;
  const shop = 'shop';
  beforeAll(async () => {
    [from, to] = [await payments.accounts.open(shop, 'allowed'), await payments.accounts.open(shop, 'forbidden')];
  }, 60_000);

  const pay = async (amount: string, payer = from, payee = to): Promise<string> => {
    const paid = await payments.call(shop, 'POST', '/payments', { amount: euro(amount), from: payer, to: payee });
    expect(paid.status).toBe(201);
    return String(paid.body['id']);
  };
  const refund = (id: string, body: object = { amount: euro('1') }): Promise<Answer> =>
    payments.call(shop, 'POST', `/payments/${id}/refund`, body);
  const fill = async (id: string, status: 'failed' | 'settled', limit = REFUND_LIMIT): Promise<void> => {
    for (let count = 0; count < limit; count += 1) {
      await payments.pool.query(
        `insert into refund (id, payment_id, status, transfer_id, amount, currency, reason, order_until, version, subject, client_id, actors,
          txn, created_at, updated_at) values ($1, $2, $3, $1, 1, 'EUR', '', now(), 2, $4, $4, '{}', 't', now(), now())`,
        [randomUUID(), id, status, shop],
      );
    }
  };

  it('that failed do not count: once the merchant is funded, the payment can be paid back', async () => {
    const poor = await payments.accounts.open(shop, 'forbidden');
    const id = await pay('10', from, poor);
    await pay('10', poor, to);
    expect(codeOf(await refund(id))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    await fill(id, 'failed');
    expect(codeOf(await refund(id))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    await pay('10', from, poor);
    expect((await refund(id)).status).toBe(201);
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const query = `limit=50${cursor === '' ? '' : `&cursor=${String(cursor)}`}`;
      const { body } = await payments.call(shop, 'GET', `/payments/${id}/refunds?${query}`);
      seen.push(...(body['refunds'] as readonly { id: string }[]).map((one) => one.id));
      cursor = body['next_cursor'];
    }
    expect([seen.length, new Set(seen).size]).toEqual([REFUND_LIMIT + 3, REFUND_LIMIT + 3]);
  });

  it('that succeeded count, up to the limit, even when many are requested concurrently', async () => {
    const id = await pay('200');
    await fill(id, 'settled', REFUND_LIMIT - 1);
    const many = await Promise.all(Array.from({ length: 8 }, () => refund(id)));
    expect(many.filter(({ status }) => status === 201)).toHaveLength(1);
    const refused = many.filter(({ status }) => status !== 201).map(codeOf);
    expect(refused).toEqual(refused.map(() => [422, 'REFUND_LIMIT']));
  });

  it('to a payer whose account is closed say what the merchant can do, and do not count', async () => {
    const payer = await payments.accounts.open(shop, 'forbidden');
    await pay('10', from, payer);
    const id = await pay('10', payer, to);
    const admin = await payments.accounts.issuer.mint({
      clientId: 'operator',
      audience: 'accounts',
      scopes: ['accounts:admin'],
    });
    const closed = await fetch(`${payments.accounts.url}/accounts/${payer}/status`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ status: 'closed' }),
    });
    expect(closed.status).toBe(200);
    const answer = await refund(id);
    expect(codeOf(answer)).toEqual([422, 'ACCOUNT_CLOSED']);
    expect(answer.body['detail']).toMatch(/pay another account of the payer instead \(POST \/payments/);
    const { rows } = await payments.pool.query('select refunding from payment where id = $1', [id]);
    expect(rows).toEqual([{ refunding: '0' }]);
  });
});

const alice: Who = { subject: 'alice', clientId: 'gateway' };
const merchant: Who = { subject: 'merchant', clientId: 'gateway' };
const gateway: Who = { subject: 'gateway', clientId: 'gateway', scopes: ['payments:refund:client'] };

describe('a refund', () => {
  let from: string;
  let to: string;
  beforeAll(async () => {
    [from, to] = [await payments.accounts.open(alice, 'allowed'), await payments.accounts.open(merchant, 'forbidden')];
  }, 60_000);

  const pay = async (): Promise<string> => {
    const paid = await payments.call(alice, 'POST', '/payments', { amount: euro('100'), from, to });
    return String(paid.body['id']);
  };
  const refund = (who: Who, id: string): Promise<Answer> =>
    payments.call(who, 'POST', `/payments/${id}/refund`, { amount: euro('40') });

  it('is refused to the payer: the money stays with the payee, and the attempt is recorded', async () => {
    const id = await pay();
    expect(codeOf(await refund(alice, id))).toEqual([403, 'REFUND_NOT_PAYEE']);
    expect(codeOf(await refund({ ...alice, clientId: 'other' }, id))).toEqual([403, 'REFUND_NOT_PAYEE']);
    expect((await payments.call(alice, 'GET', `/payments/${id}`)).body).toMatchObject({ refunded: euro('0') });
    expect(await payments.eventsOf(`payment/${id}`)).toContain('refund.refused');
  });

  it('can be made by the payee, through any client, in its own right', async () => {
    const id = await pay();
    expect(await refund(merchant, id)).toMatchObject({ status: 201, body: { payment: { refunded: euro('40') } } });
    expect((await refund({ ...merchant, clientId: 'till' }, id)).status).toBe(201);
    const asked = payments.accounts
      .asked()
      .filter(({ subject, scopes }) => subject === 'merchant' && scopes[0] !== 'accounts:read');
    expect(asked.map(({ scopes }) => scopes)).toEqual([['transfers:create'], ['transfers:create']]);
  });

  it('can be made by the client with the scope for it, only for payments made through it', async () => {
    const id = await pay();
    expect((await refund(gateway, id)).status).toBe(201);
    expect(payments.accounts.asked().at(-1)).toEqual({
      subject: 'gateway',
      scopes: ['transfers:create', 'transfers:correct'],
    });
    expect(codeOf(await refund({ ...gateway, subject: 'till', clientId: 'till' }, id))).toEqual([
      404,
      'PAYMENT_UNKNOWN',
    ]);
    expect(codeOf(await refund({ ...gateway, scopes: ['payments:refund'] }, id))).toEqual([404, 'PAYMENT_UNKNOWN']);
    expect((await refund({ ...gateway, scopes: ['payments:read:client'] }, id)).status).toBe(403);
  });
});
