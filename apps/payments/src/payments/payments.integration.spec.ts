import { randomUUID } from 'node:crypto';
import { euro, startPayments, type Answer, type PaymentsUnderTest } from '../testing/payments-under-test.js';

describe('payments, over HTTP, on the real accounts service', () => {
  let payments: PaymentsUnderTest;
  let from: string;
  let to: string;
  const shop = 'shop';

  beforeAll(async () => {
    payments = await startPayments();
    from = await payments.accounts.open(shop, 'allowed');
    to = await payments.accounts.open(shop, 'forbidden');
  }, 180_000);
  afterAll(async () => {
    await payments.stop();
  }, 60_000);

  const order = (amount = '100', more: object = {}): object => ({ amount: euro(amount), from, to, ...more });
  const pay = async (amount = '100', more: object = {}, key?: string): Promise<Answer> =>
    payments.call(shop, 'POST', '/payments', order(amount, more), key);
  const step = async (paid: Answer, name: string, body: object = {}, key?: string): Promise<Answer> =>
    payments.call(shop, 'POST', `/payments/${String(paid.body['id'])}/${name}`, body, key);
  const read = async (paid: Answer): Promise<Answer> =>
    payments.call(shop, 'GET', `/payments/${String(paid.body['id'])}`);
  const codeOf = ({ status, body }: Answer): unknown => [status, body['code']];

  it('settles immediately by default, and records each change', async () => {
    const paid = await pay();
    expect(paid).toMatchObject({ status: 201, body: { status: 'settled', captured: euro('100'), version: 2 } });
    expect(await payments.eventsOf(`payment/${String(paid.body['id'])}`)).toEqual([
      'payment.created',
      'payment.settled',
    ]);
  });

  it('accepts no control characters and no lone surrogates in the texts of a payment or refund', async () => {
    const paid = await pay('100');
    for (const bad of ['\u0000', 'a\nb', '\ud800']) {
      expect(codeOf(await pay('100', { reference: bad }))).toEqual([400, 'REQUEST_INVALID']);
      expect(codeOf(await step(paid, 'refund', { reason: bad }))).toEqual([400, 'REQUEST_INVALID']);
    }
    const list = await payments.call(shop, 'GET', '/payments?reference=a%00');
    expect(codeOf(list)).toEqual([400, 'REQUEST_INVALID']);
  });

  it('holds, then captures a part; the rest is released, and it settles once', async () => {
    const held = await pay('100', { capture: 'manual', hold_seconds: 600 });
    expect(held).toMatchObject({ status: 201, body: { status: 'held', captured: euro('0') } });
    const key = randomUUID();
    const captured = await step(held, 'capture', { amount: euro('60') }, key);
    expect(captured).toMatchObject({ status: 200, body: { status: 'settled', captured: euro('60') } });
    const again = await step(held, 'capture', { amount: euro('60') }, key);
    expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([200, captured.body, 'true']);
    expect(codeOf(await step(held, 'capture'))).toEqual([409, 'PAYMENT_NOT_HELD']);
    expect(codeOf(await step(held, 'cancel'))).toEqual([409, 'PAYMENT_NOT_HELD']);
    expect(await payments.eventsOf(`payment/${String(held.body['id'])}`)).toEqual([
      'payment.created',
      'payment.held',
      'payment.capture_begun',
      'payment.settled',
      'answer.replayed',
      'payment.capture_refused',
      'payment.cancel_refused',
    ]);
  });

  it('captures no more than was held, nor in another currency', async () => {
    const held = await pay('100', { capture: 'manual' });
    expect(codeOf(await step(held, 'capture', { amount: euro('101') }))).toEqual([422, 'AMOUNT_ABOVE_HOLD']);
    const dollars = { amount: { amount: '1', currency: 'USD' } };
    expect(codeOf(await step(held, 'capture', dollars))).toEqual([422, 'CURRENCY_MISMATCH']);
    expect((await read(held)).body).toMatchObject({ status: 'held' });
  });

  it('cancels what is held, and the money is free again', async () => {
    const purse = await payments.accounts.open(shop, 'forbidden');
    await payments.call(shop, 'POST', '/payments', { amount: euro('50'), from, to: purse });
    const held = await payments.call(shop, 'POST', '/payments', {
      amount: euro('50'),
      from: purse,
      to,
      capture: 'manual',
    });
    const short = { amount: euro('1'), from: purse, to };
    expect(codeOf(await payments.call(shop, 'POST', '/payments', short))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    expect(await step(held, 'cancel')).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect((await payments.call(shop, 'POST', '/payments', short)).status).toBe(201);
    expect(codeOf(await step(held, 'capture'))).toEqual([409, 'PAYMENT_NOT_HELD']);
  });

  it('becomes expired when its hold has, and records that', async () => {
    const held = await pay('100', { capture: 'manual', hold_seconds: 600 });
    const id = String(held.body['id']);
    const transfer = String(held.body['transfer_id']);
    await payments.accounts.asOwner(
      `alter table hold disable trigger user;
       update hold set expires_at = now() - interval '1 second' where transfer_id = '${transfer}';
       alter table hold enable trigger user`,
    );
    expect(codeOf(await step(held, 'capture'))).toEqual([422, 'HOLD_EXPIRED']);
    expect((await read(held)).body).toMatchObject({ status: 'expired' });
    expect(await payments.dataOf('payment.expired')).toEqual([
      expect.objectContaining({
        resource: `payment/${id}`,
        action: 'payments:expire',
        outcome: 'allowed',
        txn: expect.any(String),
        changes: expect.objectContaining({ status: { from: 'held', to: 'expired' }, transfer_id: transfer }),
      }),
    ]);
  });

  it('refunds in parts, never more than was captured, even when many try concurrently', async () => {
    const paid = await pay('100');
    const key = randomUUID();
    const first = await step(paid, 'refund', { amount: euro('40'), reason: 'one item' }, key);
    expect(first).toMatchObject({
      status: 201,
      body: { status: 'settled', amount: euro('40'), payment: { status: 'partially_refunded', refunded: euro('40') } },
    });
    const replay = await step(paid, 'refund', { amount: euro('40'), reason: 'one item' }, key);
    expect(replay.body).toEqual(first.body);
    expect(codeOf(await step(paid, 'refund', { amount: euro('41') }, key))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(codeOf(await step(paid, 'refund', { amount: euro('61') }))).toEqual([422, 'REFUND_ABOVE_PAYMENT']);
    const many = await Promise.all(Array.from({ length: 8 }, () => step(paid, 'refund', { amount: euro('20') })));
    expect(many.filter(({ status }) => status === 201)).toHaveLength(3);
    expect((await read(paid)).body).toMatchObject({ status: 'refunded', refunded: euro('100') });
    const { body } = await payments.call(shop, 'GET', `/payments/${String(paid.body['id'])}/refunds`);
    expect(body['refunds']).toHaveLength(4);
  });

  it('refunds the remainder when no amount is given, and nothing that is not settled', async () => {
    const paid = await pay('70');
    await step(paid, 'refund', { amount: euro('30') });
    expect((await step(paid, 'refund')).body).toMatchObject({ amount: euro('40'), payment: { status: 'refunded' } });
    expect(codeOf(await step(paid, 'refund'))).toEqual([409, 'PAYMENT_NOT_SETTLED']);
    expect(codeOf(await step(await pay('1', { capture: 'manual' }), 'refund'))).toEqual([409, 'PAYMENT_NOT_SETTLED']);
  });

  it('frees the reservation of a refund that the ledger refuses', async () => {
    const poor = await payments.accounts.open(shop, 'forbidden');
    const paid = await payments.call(shop, 'POST', '/payments', { amount: euro('10'), from, to: poor });
    await payments.call(shop, 'POST', '/payments', { amount: euro('10'), from: poor, to });
    expect(codeOf(await step(paid, 'refund'))).toEqual([422, 'INSUFFICIENT_FUNDS']);
    await payments.call(shop, 'POST', '/payments', { amount: euro('10'), from, to: poor });
    expect((await step(paid, 'refund')).status).toBe(201);
  });

  it('needs an Idempotency-Key on every POST, and keeps one owner’s keys apart from another’s', async () => {
    const paid = await pay('1', { capture: 'manual' });
    const id = String(paid.body['id']);
    for (const path of ['/payments', `/payments/${id}/capture`, `/payments/${id}/cancel`, `/payments/${id}/refund`]) {
      const body = path === '/payments' ? order() : {};
      expect(codeOf(await payments.call(shop, 'POST', path, body, ''))).toEqual([400, 'IDEMPOTENCY_KEY_MISSING']);
    }
    const key = randomUUID();
    const mine = await pay('5', {}, key);
    const theirs = await payments.call('other', 'POST', '/payments', order('5'), key);
    expect([mine.status, codeOf(theirs)]).toEqual([201, [422, 'ACCOUNT_UNKNOWN']]);
    expect(codeOf(await step(mine, 'refund', {}, key))).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('lists by status, account, reference and time, page by page, without gap or repeat', async () => {
    const client = 'lister';
    const [source, purse] = [
      await payments.accounts.open(client, 'allowed'),
      await payments.accounts.open(client, 'forbidden'),
    ];
    const other = await payments.accounts.open(client, 'forbidden');
    const started = new Date().toISOString();
    for (let i = 0; i < 5; i += 1) {
      await payments.call(client, 'POST', '/payments', {
        amount: euro('1'),
        from: source,
        to: purse,
        reference: `r${String(i)}`,
      });
    }
    await payments.call(client, 'POST', '/payments', { amount: euro('1'), from: source, to: other, capture: 'manual' });
    const list = async (query: string): Promise<readonly string[]> => {
      const { body } = await payments.call(client, 'GET', `/payments?${query}`);
      return (body['payments'] as readonly { reference: string }[]).map(({ reference }) => reference);
    };
    expect(await list('')).toEqual(['', 'r4', 'r3', 'r2', 'r1', 'r0']);
    expect(await list('status=held')).toEqual(['']);
    expect(await list(`account=${purse}`)).toHaveLength(5);
    expect(await list(`account=${other}`)).toHaveLength(1);
    expect(await list('reference=r3')).toEqual(['r3']);
    expect(await list(`from=${started}`)).toHaveLength(6);
    expect(await list(`to=${started}`)).toHaveLength(0);
    const seen: string[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const page = await payments.call(
        client,
        'GET',
        `/payments?limit=2${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
      );
      seen.push(...(page.body['payments'] as readonly { reference: string }[]).map(({ reference }) => reference));
      cursor = page.body['next_cursor'];
    }
    expect(seen).toEqual(['', 'r4', 'r3', 'r2', 'r1', 'r0']);
  });

  it('accepts an id in any case: a retry in another case is the same request', async () => {
    const key = randomUUID();
    const capitals = { amount: euro('9'), from: from.toUpperCase(), to: to.toUpperCase() };
    const paid = await payments.call(shop, 'POST', '/payments', capitals, key);
    expect(paid).toMatchObject({ status: 201, body: { from, to } });
    const again = await pay('9', {}, key);
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([paid.body, 'true']);
    const id = String(paid.body['id']);
    expect((await payments.call(shop, 'GET', `/payments/${id.toUpperCase()}`)).body).toEqual(paid.body);
    const refundKey = randomUUID();
    const refunded = await payments.call(shop, 'POST', `/payments/${id.toUpperCase()}/refund`, {}, refundKey);
    expect((await step(paid, 'refund', {}, refundKey)).body).toEqual(refunded.body);
    const query = `account=${from.toUpperCase()}&limit=1&cursor=${id.toUpperCase()}`;
    const { body } = await payments.call(shop, 'GET', `/payments?${query}`);
    expect(body['payments']).toMatchObject([{ from }]);
    expect(await payments.eventsOf(`payment/${id}`)).toContain('payment.read');
    expect(await payments.eventsOf(`payment/${id.toUpperCase()}`)).toEqual([]);
  });

  it('lists by times that are finer than a millisecond, exactly', async () => {
    const client = 'finer';
    const [source, purse] = [
      await payments.accounts.open(client, 'allowed'),
      await payments.accounts.open(client, 'forbidden'),
    ];
    const { body } = await payments.call(client, 'POST', '/payments', { amount: euro('1'), from: source, to: purse });
    const millisecond = String(body['created_at']).replace('Z', '');
    const count = async (query: string): Promise<unknown> => {
      const { body: page } = await payments.call(client, 'GET', `/payments?${query}`);
      return (page['payments'] as readonly unknown[]).length;
    };
    expect([await count(`from=${millisecond}Z`), await count(`from=${millisecond}9Z`)]).toEqual([1, 0]);
    expect([await count(`to=${millisecond}Z`), await count(`to=${millisecond}9Z`)]).toEqual([0, 1]);
  });

  it('treats an empty body as none, even if declared as JSON', async () => {
    const [one, other] = [await pay('3', { capture: 'manual' }), await pay('3', { capture: 'manual' })];
    const path = (paid: Answer, name: string): string => `/payments/${String(paid.body['id'])}/${name}`;
    expect((await payments.call(shop, 'POST', path(one, 'capture'), '')).status).toBe(200);
    expect((await payments.call(shop, 'POST', path(one, 'refund'), '')).status).toBe(201);
    expect((await payments.call(shop, 'POST', path(other, 'cancel'), '')).status).toBe(200);
    expect(codeOf(await payments.call(shop, 'POST', '/payments', ''))).toEqual([400, 'REQUEST_INVALID']);
  });

  it('leaves a record of each thing that was read, changed or refused here', async () => {
    expect(await payments.recorded()).toEqual(
      expect.arrayContaining([
        'payment.cancel_begun allowed',
        'payment.cancelled allowed',
        'payment.expired allowed',
        'payments.listed allowed',
        'refund.created allowed',
        'refunds.listed allowed',
      ]),
    );
  });
});
