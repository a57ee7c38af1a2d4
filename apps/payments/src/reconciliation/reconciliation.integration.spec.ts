import { randomUUID } from 'node:crypto';
import { uuidv7 } from '@countersign/audit-event';
import { z } from 'zod';
import { euro, startPayments, type Answer, type PaymentsUnderTest } from '../testing/payments-under-test.js';

const shop = 'shop';
const operator = { subject: 'operator', clientId: 'operator', scopes: ['payments:reconcile'] };
const reportSchema = z.looseObject({
  ok: z.boolean(),
  payments: z.number(),
  refunds: z.number(),
  transfers: z.number(),
  repaired: z.number(),
  differences: z.record(z.string(), z.number()),
  shown: z.array(
    z.looseObject({
      code: z.string(),
      resource: z.string(),
      transfer_id: z.string(),
      kept: z.string(),
      found: z.string(),
      repair: z.string().nullable(),
      repaired: z.boolean(),
    }),
  ),
});

describe('a reconciliation of payments with accounts', () => {
  let payments: PaymentsUnderTest;
  let from: string;
  let to: string;
  beforeAll(async () => {
    payments = await startPayments(
      { RECOVERY_INTERVAL_MS: '600000', ACCOUNTS_TIMEOUT_MS: '10000', ACCOUNTS_DEADLINE_MS: '15000' },
      { empty: true },
    );
    from = await payments.accounts.open(shop, 'allowed');
    to = await payments.accounts.open(shop, 'forbidden');
  }, 120_000);
  afterAll(async () => {
    await payments.stop();
  }, 60_000);

  const idOf = ({ body }: Answer): string => z.string().parse(body['id']);
  const pay = (more: object = {}): Promise<Answer> =>
    payments.call(shop, 'POST', '/payments', { amount: euro('100'), from, to, ...more });
  const read = (id: string): Promise<Answer> => payments.call(shop, 'GET', `/payments/${id}`);
  async function reconcile(body: object = {}): Promise<z.infer<typeof reportSchema>> {
    const answer = await payments.call(operator, 'POST', '/reconciliation', body, '');
    expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
    return reportSchema.parse(answer.body);
  }
  /** As payments' own: what is done at accounts and kept nowhere else, as after a restore of payments' database. */
  async function atAccounts(method: string, path: string, body: object, onBehalfOf?: string): Promise<number> {
    const scopes = ['transfers:create', 'transfers:correct'];
    const token =
      onBehalfOf === undefined
        ? (await payments.accounts.tokens.getToken({ audience: 'accounts', scopes })).token
        : await payments.accounts.issuer.mint({
            subject: onBehalfOf,
            clientId: 'payments',
            audience: 'accounts',
            scopes,
            claims: { act: { sub: 'payments', act: { sub: 'gateway' } } },
          });
    const answer = await fetch(`${payments.accounts.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.status;
  }
  const leg = (amount: string) => ({ debit_account: from, credit_account: to, amount: euro(amount) });
  /** A payment that accounts never heard of, as after a restore of accounts' database. */
  async function kept(status: string, captured: number, transferId = uuidv7()): Promise<string> {
    await payments.pool.query(
      `insert into payment (id, status, capture, transfer_id, from_account, to_account, amount, captured, currency, reference, order_until,
         version, subject, client_id, actors, txn, created_at, updated_at)
       values ($1, $2, 'automatic', $1, $3, $4, 100, $5, 'EUR', '', now() - interval '1 hour', 2, 'shop', 'shop', '{}', 'txn', now(), now())`,
      [transferId, status, from, to, captured],
    );
    return transferId;
  }

  it('agrees on what was paid, held, captured, cancelled, refunded and refused', async () => {
    const [paid, held, captured, cancelled] = [
      await pay(),
      await pay({ capture: 'manual' }),
      await pay({ capture: 'manual' }),
      await pay({ capture: 'manual' }),
    ];
    const step = (of: Answer, what: string, body = {}): Promise<Answer> =>
      payments.call(shop, 'POST', `/payments/${idOf(of)}/${what}`, body);
    expect((await step(captured, 'capture', { amount: euro('60') })).status).toBe(200);
    expect((await step(cancelled, 'cancel')).status).toBe(200);
    expect((await step(paid, 'refund', { amount: euro('30') })).status).toBe(201);
    expect((await pay({ from: to, to: from, amount: euro('999999') })).status).toBe(422);
    expect(held.body['transfer_id']).toBe(held.body['id']);
    const report = await reconcile();
    expect(report).toMatchObject({ ok: true, payments: 5, refunds: 1, transfers: 5, repaired: 0, shown: [] });
  });

  it('names what accounts lost, which only a person can repair, even when asked to repair', async () => {
    const lost = await kept('settled', 100);
    const unsettled = await kept('failed', 0);
    const report = await reconcile({ repair: true });
    expect(report).toMatchObject({ ok: false, repaired: 0, differences: { TRANSFER_MISSING: 1 } });
    expect(report.shown).toEqual([
      {
        code: 'TRANSFER_MISSING',
        resource: `payment/${lost}`,
        transfer_id: lost,
        kept: 'settled, 100 EUR',
        found: 'absent',
        repair: null,
        repaired: false,
      },
    ]);
    expect(report.shown).not.toContainEqual(expect.objectContaining({ transfer_id: unsettled }));
    // The administrator's way: the same transfer, under its id.
    expect(await atAccounts('POST', '/transfers', { id: lost, ...leg('100') }, shop)).toBe(201);
    expect((await reconcile()).ok).toBe(true);
  });

  it('names a transfer with a different amount from the payment', async () => {
    const id = await kept('settled', 100);
    expect(await atAccounts('POST', '/transfers', { id, ...leg('70') }, shop)).toBe(201);
    const { shown, differences } = await reconcile({ repair: true });
    expect(differences).toMatchObject({ TRANSFER_DIFFERS: 1 });
    expect(shown).toMatchObject([{ resource: `payment/${id}`, kept: 'settled, 100 EUR', repaired: false }]);
    expect(shown[0]?.found).toMatch(/^posted, 70 EUR/);
  });

  it('names a hold that accounts lost, even while recovery keeps trying to capture it', async () => {
    const before = await reconcile();
    const held = await kept('held', 0);
    await payments.pool.query(
      `update payment set pending = 'capture', pending_amount = 100, attend_at = now() + interval '20 seconds',
         order_until = now() + interval '16 minutes', version = version + 1 where id = $1`,
      [held],
    );
    const { differences, shown } = await reconcile({ repair: true });
    expect(differences['TRANSFER_MISSING']).toBe((before.differences['TRANSFER_MISSING'] ?? 0) + 1);
    expect(shown).toContainEqual(
      expect.objectContaining({ resource: `payment/${held}`, found: 'absent', repair: null }),
    );
  });

  it('updates a payment with the later outcome of its hold', async () => {
    const before = await reconcile();
    const held = idOf(await pay({ capture: 'manual' }));
    expect(await atAccounts('POST', `/transfers/${held}/post`, { amount: euro('40') })).toBe(200);
    const found = await reconcile();
    expect(found.differences).toEqual({ ...before.differences, RECORD_BEHIND: 1 });
    const repaired = await reconcile({ repair: true });
    expect(repaired).toMatchObject({ repaired: 1, differences: before.differences });
    expect((await read(held)).body).toMatchObject({ status: 'settled', captured: euro('40') });
  });

  it('recreates payments and refunds of which only the transfers remain, under their old ids, and nothing twice', async () => {
    const before = await reconcile();
    // The refund's comes first in the order of ids, so that it is met before the payment that it needs.
    const [refund = '', paid = '', held = ''] = [uuidv7(), uuidv7(), uuidv7()].sort();
    const orders = [
      { id: paid, ...leg('100'), reference: 'order 7' },
      { id: held, ...leg('50'), hold: { expires_in_seconds: 600 } },
    ];
    for (const order of orders) expect(await atAccounts('POST', '/transfers', order, shop)).toBe(201);
    const back = { id: refund, debit_account: to, credit_account: from, amount: euro('30'), corrects: paid };
    expect(await atAccounts('POST', '/transfers', { ...back, reference: 'broken' })).toBe(201);
    expect((await reconcile()).differences).toEqual({ ...before.differences, RECORD_MISSING: 3 });
    expect((await read(paid)).status).toBe(404);
    const repaired = await reconcile({ repair: true });
    expect(repaired).toMatchObject({ repaired: 3, differences: before.differences });
    expect((await read(paid)).body).toMatchObject({
      status: 'partially_refunded',
      refunded: euro('30'),
      reference: 'order 7',
    });
    expect((await read(held)).body).toMatchObject({ status: 'held', capture: 'manual' });
    const { rows } = await payments.pool.query(
      `select subject, client_id, actors, txn is not null as txn from payment where id = $1`,
      [paid],
    );
    expect(rows).toEqual([{ subject: shop, client_id: 'gateway', actors: ['gateway'], txn: true }]);
    expect(await payments.eventsOf(`payment/${paid}`)).toContain('payment.adopted');
    expect(await reconcile({ repair: true })).toMatchObject({ repaired: 0, differences: before.differences });
    // A recreated one behaves as any other: the rest may be paid back, and no more.
    const rest = await payments.call(shop, 'POST', `/payments/${paid}/refund`, {});
    expect(rest.body).toMatchObject({ amount: euro('70'), payment: { status: 'refunded' } });
  });

  it('recreates a payment as cancelled when its hold was released, as in the last response to its client', async () => {
    const cancelled = uuidv7();
    const order = { id: cancelled, ...leg('50'), hold: { expires_in_seconds: 600 } };
    expect(await atAccounts('POST', '/transfers', order, shop)).toBe(201);
    expect(await atAccounts('POST', `/transfers/${cancelled}/void`, {}, shop)).toBe(200);
    expect((await reconcile({ repair: true })).repaired).toBe(1);
    expect((await read(cancelled)).body).toMatchObject({ status: 'cancelled', failure: null });
  });

  it('is bounded by a time, requires its scope, and exposes its last findings as metrics', async () => {
    const since = new Date(Date.now() + 60_000).toISOString();
    expect(await reconcile({ since })).toMatchObject({ payments: 0, refunds: 0, transfers: 0, ok: true });
    await reconcile();
    const reported = (await payments.metrics())
      .split('\n')
      .filter((line) => line.startsWith('payments_reconciliation'));
    expect(reported).toContainEqual(
      expect.stringMatching(/^payments_reconciliation_differences\{.*code="TRANSFER_DIFFERS".*\} 1$/),
    );
    expect(reported).toContainEqual(expect.stringMatching(/^payments_reconciliation_finished_seconds\S* \d+/));
    expect((await payments.call(shop, 'POST', '/reconciliation', {}, '')).status).toBe(403);
  });

  it('is refused while another one runs, at whichever replica, and the attempt is recorded', async () => {
    const name = 'countersign.payments-reconciliation';
    const other = await payments.pool.connect();
    await other.query('select pg_advisory_lock(hashtext($1))', [name]);
    const answer = await payments.call(operator, 'POST', '/reconciliation', {}, '');
    await other.query('select pg_advisory_unlock(hashtext($1))', [name]);
    other.release();
    expect([answer.status, answer.body['code']]).toEqual([409, 'RECONCILIATION_RUNNING']);
    expect(answer.headers['retry-after']).toBe('30');
    expect(await payments.eventsOf('payment/*')).toContain('payments.reconcile_refused');
    expect((await reconcile()).transfers).toBeGreaterThan(0);
  });

  it('reports no result while accounts does not respond, and says so', async () => {
    payments.accounts.suspend();
    try {
      const answer = await payments.call(operator, 'POST', '/reconciliation', {}, '');
      expect([answer.status, answer.body['code']]).toEqual([503, 'ACCOUNTS_UNAVAILABLE']);
    } finally {
      payments.accounts.resume();
    }
  }, 120_000);

  it('finds no difference in payments that are in progress at the same time', async () => {
    const before = await reconcile();
    const paying = Promise.all(Array.from({ length: 40 }, () => pay({ reference: randomUUID() })));
    for (let round = 0; round < 4; round += 1) expect((await reconcile()).differences).toEqual(before.differences);
    expect((await paying).map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 201));
    expect((await reconcile()).differences).toEqual(before.differences);
  }, 120_000);

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await payments.recorded()).toEqual(
      expect.arrayContaining(['payments.reconciled allowed', 'refund.adopted allowed']),
    );
  });
});
